// The images and embeddings of a comparison.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/images/image.h"
#include "engine/images/image_source.h"
#include "tools/collection/test_set.h"
#include "tools/compare/compare.h"
#include "tools/compare/trials.h"

namespace augstore {

struct CompareData {
  std::string collection;  // ref, in the trials
  std::vector<std::string> classes;
  std::vector<Image> images;  // of the training samples, by sample id
  std::vector<ImageItem> base;
  std::vector<ImageItem> test;
  std::vector<TestSet> tests;  // [0]: as they are; [1 + i]: under op i
  uint64_t train_embedded = 0;
  // Of embedding the training images once; measured again when they were stored already.
  double ingest_seconds = 0;
};

// Selects and embeds the training samples and commits them to the trials; embeds the test images as
// they are and under every op. Errors: kInvalidArgument (no readable labelled image, a class that
// only the tests have), those of EmbedItems and CopyCollection.
Result<CompareData> PrepareData(const CompareFlags& flags, Database& database,
                                LazyBackbone& backbone, Trials& trials);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_DATA_H_
