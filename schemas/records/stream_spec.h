// What a stream is: the one place that lists what decides which batches are sent.
#ifndef AUGSTORE_SCHEMAS_RECORDS_STREAM_SPEC_H_
#define AUGSTORE_SCHEMAS_RECORDS_STREAM_SPEC_H_

#include <cstdint>
#include <string>

#include "schemas/weights/dtype.h"

namespace augstore {

// Equal specs, with every version pinned, mean equal batches.
struct StreamSpec {
  std::string collection = {};  // ref
  std::string split = {};       // empty: all samples
  std::string policy = "identity";
  std::string label_column = {};  // empty: the first
  uint64_t seed = 0;
  uint32_t batch_size = 256;
  uint32_t rank = 0;
  uint32_t world_size = 1;
  bool shuffle = true;     // false: sample order, for evaluation
  bool drop_last = false;  // true: only full batches, and the same number for every rank
  // Samples that are shuffled among each other; 0: all. See engine/streams/shuffle_order.h.
  uint64_t shuffle_window = 0;
  Dtype dtype = Dtype::kF32;  // in which batches are sent
  // Of the transforms. int8 is refused for a transform whose card does not show its loss.
  Precision precision = Precision::kF32;
  bool operator==(const StreamSpec&) const = default;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_STREAM_SPEC_H_
