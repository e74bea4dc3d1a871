// Streams: what a StreamSpec resolves to. The batches are in stream_batch.h.
#ifndef AUGSTORE_ENGINE_STREAMS_STREAM_H_
#define AUGSTORE_ENGINE_STREAMS_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/kernels/engine.h"
#include "engine/streams/id_list.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/memory_budget.h"
#include "schemas/wire/stream.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// Numbers of views, among all that a sample has.
using ViewNumbers = std::vector<uint16_t>;

// The samples of one collection version and split, in sample order, as arrays for access by
// position. Immutable.
struct SampleTable {
  IdList samples;  // ids within the version
  IdList rows;
  // Of each of the collection's views, kNoRow where it is missing; those that were not asked for
  // are empty, or all of it is.
  std::vector<IdList> views;
  std::vector<int32_t> labels;  // of one label column
  std::vector<std::string> classes;
  SpaceId space = 0;
  uint32_t dim = 0;
  Dtype dtype = Dtype::kF32;  // in which the rows are stored
};
// `split` empty: all samples. `views`: those whose rows it has. `label_column` empty: the first
// (labels -1 when there is none). Takes a share of `memory` for as long as it is held. Errors:
// kNotFound (split or label column, naming those there are), kResourceExhausted, those of
// `cancellation`.
Result<std::shared_ptr<const SampleTable>> LoadSampleTable(Catalog& catalog, MemoryBudget& memory,
                                                           const CollectionRecord& collection,
                                                           const std::string& split,
                                                           const std::string& label_column,
                                                           const ViewNumbers& views = {},
                                                           const Cancellation& cancellation = {});

// One chain of a policy with its transforms loaded.
struct ResolvedChain {
  std::string text;  // pinned: "hflip@3>rotate15@1"
  std::vector<TransformStep> steps;
  ViewNumbers views;       // of the sample, of which one is drawn; empty: its image itself
  uint64_t threshold = 0;  // drawn when the 64-bit draw is below it and not below the one before
};

// A stream, resolved. Immutable; may be used from any thread.
struct Stream {
  StreamReply info;  // the reply to the client, rank included
  std::shared_ptr<const SampleTable> table;
  std::vector<ResolvedChain> chains;
};

// Loads transforms once per version. Thread-safe.
class ModelCache {
 public:
  // Transforms, and ops that are derived from them, take shares of `memory`. Both must outlive the
  // cache.
  ModelCache(Catalog* catalog, MemoryBudget* memory);
  ~ModelCache();
  // The transform of `key`: the same object while it is in use, and while it is among the last 64
  // that were requested. Errors: as Catalog::GetWeights; kResourceExhausted.
  Result<TransformModelPtr> Get(const RecordKey& key);
  // Forgets the transform that was requested longest ago. False: there is none.
  bool DropOldest();
  MemoryBudget& memory();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A chain of transform references with every version pinned, checked against the backbone it will
// be used on.
struct PinnedChain {
  std::string text;
  std::optional<std::string> view = {};  // as ChainRef has it, canonical
  std::vector<TransformStep> steps;
  std::vector<Digest> weights;
};
// References mean what ChooseTransform says. Errors: those of ChooseTransform and MakeStep,
// kFailedPrecondition (a transform that may not be applied in `precision`: CheckPrecision),
// kInvalidArgument, kResourceExhausted (no memory is left for what it needs).
Result<PinnedChain> ResolveChain(Catalog& catalog, ModelCache& models, const Digest& backbone,
                                 const ChainRef& chain, Precision precision = Precision::kF32);

// Resolves a spec: pins versions, loads the sample table and the transforms, computes steps and
// fingerprint. Resolving the pinned spec returns the same stream. Entries of a policy that pin to
// the same chain become one, at the place of the first, with the sum of their weights.
//
// One epoch has ceil(samples / batch_size) batches over all ranks, of which the last may be short;
// drop_last leaves the full ones, rounded down to a multiple of world_size.
//
// Errors: kNotFound, kInvalidArgument (batch_size 0 or over kMaxBatchRows, or a batch over
// kMaxReplyBytes; rank >= world_size; an empty split; drop_last that leaves no batch; policy
// syntax), kFailedPrecondition (a transform of another backbone; views that the collection, or some
// samples, do not have), kResourceExhausted (no memory is
// left for its table, transforms or ops), those of `cancellation`.
Result<std::shared_ptr<const Stream>> ResolveStream(Catalog& catalog, ModelCache& models,
                                                    const StreamSpec& spec,
                                                    const Cancellation& cancellation = {});

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_STREAM_H_
