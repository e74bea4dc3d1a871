// What a stream resolves to.
#ifndef AUGSTORE_SCHEMAS_WIRE_STREAM_H_
#define AUGSTORE_SCHEMAS_WIRE_STREAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/records/stream_spec.h"

namespace augstore {

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
