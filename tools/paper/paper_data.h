// The data of the experiment: views of the training images under every op, subsets of them as
// collections, validation and test images as they are and under every op.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/compare/compare_data.h"
#include "tools/paper/paper.h"

namespace augstore {

// The embeddings of the experiment, all stored.
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

// Errors: kInvalidArgument (no labelled images), those of EmbedEvery.
Result<PaperData> PreparePaper(const PaperFlags& flags, Trials& trials);

// EmbedView of `compare` that needs every image. Errors: kInvalidArgument (an image that cannot be
// read), those of EmbedView.
Result<EmbeddedViews> EmbedEvery(Trials& trials, const std::vector<ImageItem>& items,
                                 const std::string& ops, const std::string& label);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_
