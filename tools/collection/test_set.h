// Embeddings that heads are tested on, or that are written to a file.
#ifndef AUGSTORE_TOOLS_COLLECTION_TEST_SET_H_
#define AUGSTORE_TOOLS_COLLECTION_TEST_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"
#include "schemas/base/types.h"

namespace augstore {

// Embeddings that heads are tested on, without augmentation. Samples with label -1 count in no
// metric.
struct TestSet {
  std::string name;
  Matrix embeddings;
  std::vector<int32_t> labels;
};
// All samples of a split, in sample order. Errors: those of OpenStream.
Result<TestSet> LoadTestSet(Client& client, const std::string& collection, const std::string& split,
                            const std::string& label_column);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_TEST_SET_H_
