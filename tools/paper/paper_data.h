// The data of the experiment: views of the training images under every op, subsets of them as
// collections, validation and test images as they are and under every op.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/collection/test_set.h"
#include "tools/compare/trials.h"
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

// Errors: kInvalidArgument (no labelled images, or one that cannot be read), those of EmbedItems.
Result<PaperData> PreparePaper(const PaperFlags& flags, Database& database, LazyBackbone& backbone);

// Φ(op(x)) of every item, embedded or found in the store; `ops` is a sequence, empty for the images
// as they are; `what` names them in the progress line. `*rows` (may be null) are their rows.
// Errors: kInvalidArgument (an image that cannot be read, or the ops), those of EmbedItems.
Result<Matrix> EmbedView(const PaperFlags& flags, Database& database, LazyBackbone& backbone,
                         const std::vector<ImageItem>& items, const std::string& ops,
                         const std::string& what, std::vector<RowId>* rows);

struct PaperSubset {
  std::string collection;     // ref, in the trials
  std::vector<size_t> items;  // item numbers by sample id
};
// Commits the `per_class` images of each class that `seed` chooses to the trials. Errors: those of
// CopyCollection.
Result<PaperSubset> MakeSubset(const PaperFlags& flags, Database& database, Trials& trials,
                               const LazyBackbone& backbone, const PaperData& data,
                               uint32_t per_class, uint64_t seed);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_DATA_H_
