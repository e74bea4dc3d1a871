// The experiment of `augstore paper`: heads trained without augmentation, with noise, with
// cached views, with transforms of every kind and with augmentation in pixel space, at equal
// numbers of steps, for several numbers of training images and several seeds.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/compare/compare.h"

namespace augstore {

struct PaperFlags : ExperimentFlags {
  PaperFlags() {
    ops = {"vflip", "rotate(15)", "rotate(-15)", "brightness(1.4)"};
    families = {"shift", "procrustes", "lowrank", "affine", "refined", "paper_mlp", "auto"};
    seeds = 5;
  }
  uint64_t limit = 0;  // of images of each folder, spread evenly; 0: all
  std::string out = "results";
  std::string title = "Heads trained with augmentation";
  std::string conditional = "geo";  // reference of a conditional transform; empty: none
  std::vector<uint32_t> cached = {1, 4, 10};
  std::vector<uint32_t> per_class = {10, 50, 200, 1000};
  std::vector<double> learning_rates = {3e-4, 1e-3, 3e-3};
  uint32_t steps = 1000;
  uint32_t checkpoints = 4;
};

// One way of training heads.
struct PaperRow {
  std::string name;
  std::string policy = {};  // of a stream; empty: heads see stored views
  uint32_t views = 0;       // kept of each image; 0: new ones in every epoch (pixel space)
  bool reads_feature_maps = false;
};

// Accuracies of one trained head at one checkpoint.
struct PaperPoint {
  double learning_rate = 0;
  uint32_t epoch = 0;
  double validation_plain = 0;
  double test_plain = 0;
  double validation_shifted = 0;  // mean over the ops
  double test_shifted = 0;
};

// All heads of one row, number of images and seed.
struct PaperCell {
  std::string row;
  uint32_t per_class = 0;
  uint64_t seed = 0;
  uint32_t epochs = 0;
  uint64_t samples = 0;  // rows consumed
  double seconds = 0;    // of training all its heads and waiting for batches
  std::vector<PaperPoint> points;
};
using PaperCells = std::vector<PaperCell>;

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_H_
