// The images and embeddings of a comparison, and what it will ask of Φ.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/images/image.h"
#include "engine/images/image_source.h"
#include "tools/collection/embedder.h"
#include "tools/collection/test_set.h"
#include "tools/compare/compare.h"
#include "tools/compare/trials.h"

namespace augstore {

// The images that the flags select.
struct CompareImages {
  ImageSource all;               // of --train
  std::vector<ImageItem> train;  // those of them that heads are trained on
  std::vector<ImageItem> base;
  std::vector<ImageItem> test;  // labels: numbers of all.classes
};
// Errors: those of ListImages; kInvalidArgument (a class that only the tests have).
Result<CompareImages> SelectImages(const CompareFlags& flags);

// Indices, ascending, of the first `per_class` labelled items of each class (0: of all items) in an
// order that `seed` and `draw` fix: another machine picks the same.
std::vector<size_t> ChoosePerClass(const std::vector<ImageItem>& items, uint32_t per_class,
                                   uint64_t seed, uint64_t draw);

// Φ calls at most, for so many images: every image of the transforms and of the test under no op
// and under every op, the training samples once, and in pixel space every sample of every epoch and
// seed.
uint64_t ComparePhiCalls(const CompareFlags& flags, uint64_t train, uint64_t base, uint64_t test);

struct CompareData {
  std::string collection;  // ref, in the trials
  std::vector<std::string> classes;
  std::vector<Image> images;   // of the training samples, by sample id
  std::vector<TestSet> tests;  // [0]: as they are; [1 + i]: under op i
  // Of embedding the training images once; measured again when they were stored already.
  double ingest_seconds = 0;
};

// Embeds the training samples and commits them to the trials; embeds the test images as they are
// and under every op. Errors: kInvalidArgument (no readable labelled image), those of EmbedItems
// and CopyCollection.
Result<CompareData> PrepareData(const CompareFlags& flags, const CompareImages& images,
                                Trials& trials);

// Φ(op(x)) of the items; `ops` is a sequence, empty for the images as they are. Errors: those of
// ParseSequence and EmbedViews.
Result<EmbeddedViews> EmbedView(Trials& trials, const std::vector<ImageItem>& items,
                                const std::string& ops, const std::string& label);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_
