// The experiment of `augstore compare`: heads trained without augmentation, with augmentation
// in embedding space, and with augmentation in pixel space (Φ on every augmented image), at equal
// numbers of steps, and what each of them cost.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/collection/embedder.h"
#include "tools/transform/transform_training.h"

namespace augstore {

// What `compare` and `paper` are both asked.
struct ExperimentFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string train;  // labelled images that heads are trained on
  std::string test;   // labelled images that heads are tested on
  std::string base;   // images to train transforms on
  std::vector<std::string> ops = {"vflip", "rotate(15)"};
  std::vector<std::string> families = {"affine", "paper_mlp"};
  LastBlocksFlags last_blocks;  // of the family "last_blocks"
  uint32_t seeds = 3;
  uint32_t batch_size = 64;
  std::string arch = "mlp(1024,128)";
  double weight_decay = 1e-4;
};

// `base` empty: all of `train`.
struct CompareFlags : ExperimentFlags {
  std::string work;         // folder of the trials; empty: none is kept
  bool joint = false;       // one policy with all ops, instead of one policy per op
  uint32_t per_class = 50;  // training images of each class; 0: all
  uint32_t test_limit = 0;  // 0: all
  uint32_t base_limit = 0;
  uint32_t epochs = 30;
  double learning_rate = 1e-3;
  bool no_pixel = false;
  bool dry_run = false;  // print what it would take, and stop
  std::string report;    // HTML file
  std::string out;       // JSON file
};

struct CompareTransform {
  std::string op;
  std::string family;
  std::string ref;  // in the trials
  Card card;
};

// One way of training heads: all its seeds.
struct CompareRow {
  std::string mode;  // "none", a family, "pixel"
  std::string policy;
  std::vector<std::vector<double>> accuracy;  // [seed][test set]
  std::vector<std::vector<double>> curve;     // [epoch][test set], mean over seeds
  double seconds = 0;                         // training, mean over seeds
  uint64_t samples = 0;                       // rows consumed by one seed
  uint64_t phi_calls = 0;                     // images run through Φ while one seed trained
};

// Rows that are compared with each other: one policy's ops and the modes that realise it.
struct CompareExperiment {
  std::vector<size_t> ops;       // indices into CompareFlags::ops
  std::vector<CompareRow> rows;  // "none" first, "pixel" last (unless left out)
};

// Eq. 6 to 8 of Abrishami et al.: the cost of training in pixel space over that in embedding space,
// as counted from multiply-adds and as measured.
struct CompareCost {
  uint64_t phi = 0;  // multiply-adds of Φ per image
  double omega = 0;  // of Ω per augmented row, mean over the policy's ops
  uint64_t psi = 0;  // of training Ψ per row: forward and backward
  double predicted = 0;
  double measured = 0;
};

struct CompareResult {
  CompareFlags flags;
  std::vector<CompareTransform> transforms;
  std::vector<CompareExperiment> experiments;
  std::vector<CompareCost> costs;  // of each experiment, first family against pixel
  uint64_t train_samples = 0;
  uint64_t test_samples = 0;
  double ingest_seconds = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_H_
