// The experiment behind `augstore paper`: heads trained without augmentation, with noise, with
// cached views, with transforms of every kind and with augmentation in pixel space, at equal
// numbers of steps, for several numbers of training images and several seeds.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/collection/embedder.h"
#include "tools/compare/compare.h"

namespace augstore {

struct PaperFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string train;
  std::string test;
  std::string base;
  uint64_t limit = 0;  // of images of each folder, spread evenly; 0: all
  std::string out = "results";
  std::string title = "Heads trained with augmentation";
  std::vector<std::string> ops = {"vflip", "rotate(15)", "rotate(-15)", "brightness(1.4)"};
  std::vector<std::string> families = {"shift",   "procrustes", "lowrank", "affine",
                                       "refined", "paper_mlp",  "auto"};
  LastBlocksFlags last_blocks;      // of the family "last_blocks"
  std::string conditional = "geo";  // reference of a conditional transform; empty: none
  std::vector<uint32_t> cached = {1, 4, 10};
  std::vector<uint32_t> per_class = {10, 50, 200, 1000};
  std::vector<double> learning_rates = {3e-4, 1e-3, 3e-3};
  double weight_decay = 1e-4;
  uint32_t seeds = 5;
  uint32_t steps = 1000;
  uint32_t batch_size = 64;
  uint32_t checkpoints = 4;
  std::string arch = "mlp(1024,128)";
};

// Where the batches of a row come from.
enum class PaperSource { kStream, kViews };

// One way of training heads.
struct PaperRow {
  std::string name;
  std::string group;  // heading under which the table has it
  PaperSource source = PaperSource::kStream;
  std::string policy;  // of a stream
  uint32_t views = 0;  // kept of each image; 0: new ones in every epoch (pixel space)
  bool reads_feature_maps = false;
};

// The embeddings that the experiment works on, all through the store.
struct PaperData {
  std::vector<std::string> classes;
  std::vector<ImageItem> items;  // of the training folder
  std::vector<RowId> rows;       // of each item
  std::vector<Matrix> views;     // [0]: items as they are; [1 + i]: under op i
  // Validation and test images as they are, then both under each op: [2 * (1 + op)] validation,
  // [2 * (1 + op) + 1] test.
  std::vector<TestSet> tests;
  double phi_per_second = 0;
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
  double seconds = 0;    // of training all its heads, waiting for batches included
  std::vector<PaperPoint> points;
};
using PaperCells = std::vector<PaperCell>;

// paper_data.cc
Result<PaperData> PreparePaper(const PaperFlags& flags, Database& database, LazyBackbone& backbone);
// The collection of `per_class` images of each class that `seed` chooses; item numbers by sample
// id.
struct PaperSubset {
  std::string collection;  // ref
  std::vector<size_t> items;
};
Result<PaperSubset> MakeSubset(const PaperFlags& flags, Database& database,
                               const LazyBackbone& backbone, const PaperData& data,
                               uint32_t per_class, uint64_t seed);

// paper_transforms.cc: trains what is missing; cards have the test images as their second entry.
struct PaperTransforms {
  std::vector<CompareTransform> separate;
  std::string conditional;  // ref; empty: none
  Card conditional_card;
  std::vector<Digest> weights;  // of all of them
};
Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Database& database,
                                               LazyBackbone& backbone);
std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms);

// paper_runs.cc: trains the cells that `cells` lacks, calling `done` after each. Errors:
// kUnavailable "interrupted" after Ctrl-C.
Status RunPaper(const PaperFlags& flags, Database& database, const LazyBackbone& backbone,
                const PaperData& data, const std::vector<PaperRow>& rows, PaperCells* cells,
                const std::function<Status(const PaperCell&)>& done);

// paper_conditional.cc: G of the conditional transform and of separate affine maps on the test
// images, for single ops and for chains of two, as Markdown.
Result<std::string> CompareConditional(const PaperFlags& flags, Database& database,
                                       LazyBackbone& backbone, const std::string& ref);

// paper_report.cc: Markdown with the tables, and plots as SVG files beside it.
Status WritePaperReport(const PaperFlags& flags, const PaperTransforms& transforms,
                        const PaperData& data, const std::vector<PaperRow>& rows,
                        const PaperCells& cells, const BackboneRecord& backbone,
                        const std::string& conditional_table);

Json ToJson(const PaperCell& cell);
Result<PaperCell> PaperCellFromJson(const Json& json);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_H_
