// What a stream is, and what it resolves to.
#ifndef AUGSTORE_SCHEMAS_WIRE_STREAM_H_
#define AUGSTORE_SCHEMAS_WIRE_STREAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/dtype.h"

namespace augstore {

// Everything that decides which batches a stream gives. Field by field what DESIGN calls a stream.
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
  // Of the transforms. int8 is refused for a transform whose card does not show what it costs.
  Precision precision = Precision::kF32;
  bool operator==(const StreamSpec&) const = default;
};
struct StreamReply {
  StreamSpec spec;     // every version pinned: "cifar10@2", "identity:1,hflip@3:1"
  Digest fingerprint;  // over everything that the stream resolves to, except rank
  Digest collection_digest;
  std::vector<std::string> chains;  // chain index of a batch -> "hflip@3>rotate15@1"
  std::vector<Digest> transforms;   // weights digests, in the order of the policy's first mention
  std::vector<std::string> classes;
  uint64_t samples = 0;  // in one epoch, over all ranks
  uint64_t steps = 0;    // batches of one epoch for this rank
  uint32_t dim = 0;
};
// Why two resolved streams are not the same, for people: "collection digest: 12ab… here, 98fe…
// before; seed: 1 here, 2 before". Empty when they agree in everything but rank.
std::string DescribeDifference(const StreamReply& here, const StreamReply& before);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_STREAM_H_
