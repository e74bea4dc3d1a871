// Handlers for reading: queries, streams and runs of batches.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/streams/stream_ahead.h"
#include "engine/streams/stream_batch.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "server/service_state.h"

namespace augstore {

Status CheckBatchFits(uint64_t rows, uint32_t dim) {
  // Beside its embedding a row has a sample id, a label and a chain; the table around them takes
  // less than a KiB.
  const uint64_t row_bytes =
      uint64_t{dim} * sizeof(float) + sizeof(SampleId) + sizeof(int32_t) + sizeof(uint16_t);
  const uint64_t limit = (kMaxReplyBytes - 1024) / row_bytes;
  if (rows <= limit) return OkStatus();
  return InvalidArgument(
      "a batch of {} rows of dimension {} does not fit a reply of {} bytes: ask for at most {} "
      "rows",
      rows, dim, kMaxReplyBytes, limit);
}

namespace {

// Ranks of one stream share one sample table.
std::shared_ptr<const Stream> WithSharedTable(ServiceState& state,
                                              std::shared_ptr<const Stream> stream) {
  const auto other = state.streams.FindIf([&](const Stream& candidate) {
    return candidate.info.fingerprint == stream->info.fingerprint;
  });
  if (other == nullptr) return stream;
  auto shared = std::make_shared<Stream>(*stream);
  shared->table = other->table;
  return shared;
}

Result<std::shared_ptr<const Stream>> ResolveAndKeep(ServiceState& state, const StreamSpec& spec) {
  AUGSTORE_ASSIGN(std::shared_ptr<const Stream> stream,
                  ResolveStream(*state.catalog, state.models, spec));
  AUGSTORE_TRY(CheckBatchFits(stream->info.spec.batch_size, stream->info.dim));
  stream = WithSharedTable(state, std::move(stream));
  state.streams.Insert(stream->info.spec, stream);
  return stream;
}

// A kept stream counts only while its collection version is what it was.
Result<std::shared_ptr<const Stream>> FindStream(ServiceState& state, const StreamSpec& spec) {
  if (auto kept = state.streams.Find(spec); kept != nullptr) {
    AUGSTORE_ASSIGN(const auto collection, state.catalog->GetCollection(spec.collection));
    if (collection.record.digest == kept->info.collection_digest) return kept;
  }
  return ResolveAndKeep(state, spec);
}

std::string Join(const std::vector<Digest>& digests) {
  std::string text;
  for (const Digest& digest : digests) {
    if (!text.empty()) text += ' ';
    text += digest.Hex().substr(0, 12);
  }
  return text;
}

Status FingerprintDiffers(const StreamReply& here, const Digest& asked) {
  return FailedPrecondition(
      "the stream resolves to fingerprint {} here, {} was asked for. Here: collection '{}' with "
      "digest {}, {} "
      "samples, policy '{}', transforms [{}], seed {}, batch size {}, world size {}. Something of "
      "this is not what "
      "it was when the stream was opened: resume it through the client to see what, or open it "
      "anew",
      here.fingerprint.Hex(), asked.Hex(), here.spec.collection, here.collection_digest.Hex(),
      here.samples, here.spec.policy, Join(here.transforms), here.spec.seed, here.spec.batch_size,
      here.spec.world_size);
}

using TablePointer = std::shared_ptr<const SampleTable>;

Result<TablePointer> FindTable(ServiceState& state, const Named<CollectionRecord>& collection,
                               const std::string& label_column) {
  const std::pair key(collection.ref(), label_column);
  if (TablePointer kept = state.tables.Find(key); kept != nullptr) return kept;
  AUGSTORE_ASSIGN(TablePointer table,
                  LoadSampleTable(*state.catalog, collection.record, "", label_column));
  state.tables.Insert(key, table);
  return table;
}

Status CheckSamples(const QueryRequest& message, const Named<CollectionRecord>& collection,
                    const SampleTable& table) {
  if (message.samples.size() > kMaxBatchRows) {
    return InvalidArgument("{} samples asked for at once, the limit is {}: send several queries",
                           message.samples.size(), kMaxBatchRows);
  }
  for (const SampleId sample : message.samples) {
    if (sample < table.rows.size()) continue;
    return InvalidArgument("sample {} is not in collection '{}', which has samples 0 to {}", sample,
                           collection.ref(), static_cast<int64_t>(table.rows.size()) - 1);
  }
  return CheckBatchFits(message.samples.size(), table.dim);
}

// The chain's output for the stored rows, written straight into `out`.
Status ReadThroughChain(ServiceState& state, SpaceId space, const std::vector<RowId>& rows,
                        const PinnedChain& chain, const RowKeys& keys, MatrixView out) {
  Store* store = state.catalog->store();
  if (chain.steps.empty()) return store->ReadRows(space, rows, out);
  Matrix raw(out.rows, out.cols);
  AUGSTORE_TRY(store->ReadRows(space, rows, raw.view()));
  Matrix feature_maps;
  if (ReadsFeatureMap(chain.steps)) {
    feature_maps = Matrix(out.rows, chain.steps.front().model->front->feature_map().values());
    AUGSTORE_TRY(store->ReadFeatureMaps(space, rows, feature_maps.view()));
  }
  const EnginePool::Lease engine = state.engines.Take();
  ChainScratch scratch;
  return ApplyChain(*engine, chain.steps, keys, {raw.view(), feature_maps.view()}, out, &scratch);
}

// Rows of batch `step` of the stream's rank.
uint64_t RowsOfBatch(const StreamReply& info, uint64_t step) {
  const uint64_t begin = (step * info.spec.world_size + info.spec.rank) * info.spec.batch_size;
  return begin >= info.samples ? 0 : std::min<uint64_t>(info.spec.batch_size, info.samples - begin);
}

}  // namespace

Result<Frame> handlers::Query(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const QueryRequest message, FromFrame<QueryRequest>(request));
  AUGSTORE_ASSIGN(const ChainRef parsed,
                  ParseChain(message.chain.empty() ? "identity" : message.chain));
  AUGSTORE_ASSIGN(const Named<CollectionRecord> collection,
                  state.catalog->GetCollection(message.collection));
  AUGSTORE_ASSIGN(const PinnedChain chain,
                  ResolveChain(*state.catalog, state.models, collection.record.backbone, parsed));
  AUGSTORE_ASSIGN(const TablePointer table, FindTable(state, collection, message.label_column));
  AUGSTORE_TRY(CheckSamples(message, collection, *table));

  std::vector<RowId> rows;
  rows.reserve(message.samples.size());
  for (const SampleId sample : message.samples) rows.push_back(table->rows[sample]);
  BatchWriter writer(rows.size(), table->dim);
  AUGSTORE_TRY(ReadThroughChain(state, table->space, rows, chain, {0, 0, message.samples},
                                writer.embeddings()));
  std::ranges::copy(message.samples, writer.samples().begin());
  std::ranges::transform(message.samples, writer.labels().begin(),
                         [&](SampleId sample) { return table->labels[sample]; });
  std::ranges::fill(writer.chains(), uint16_t{0});
  AUGSTORE_ASSIGN(SharedBytes body, writer.Finish(0, 0));
  return BatchFrame(std::move(body), request.request_id);
}

Result<Frame> handlers::OpenStream(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const OpenStreamRequest message, FromFrame<OpenStreamRequest>(request));
  AUGSTORE_ASSIGN(const std::shared_ptr<const Stream> stream, ResolveAndKeep(state, message.spec));
  return ToFrame(stream->info, request.request_id);
}

Status BatchRun::Open() {
  AUGSTORE_ASSIGN(const BatchesRequest message, FromFrame<BatchesRequest>(request_));
  if (message.count == 0 || message.count > kMaxBatchesPerRequest) {
    return InvalidArgument("{} batches asked for in one run: ask for 1 to {}", message.count,
                           kMaxBatchesPerRequest);
  }
  AUGSTORE_ASSIGN(std::shared_ptr<const Stream> stream, FindStream(*state_, message.spec));
  if (stream->info.fingerprint != message.fingerprint) {
    return FingerprintDiffers(stream->info, message.fingerprint);
  }
  if (message.step > stream->info.steps) {
    return InvalidArgument(
        "step {} is after the end of the epoch, which has {} steps for rank {} of {}", message.step,
        stream->info.steps, message.spec.rank, message.spec.world_size);
  }
  step_ = message.step;
  end_ = std::min(stream->info.steps, message.step + message.count);
  auto context = std::make_shared<Context>();
  context->state = state_;
  context->request_id = request_.request_id;
  context->stream = std::move(stream);
  context->epoch = message.epoch;
  context->goes_on = end_ - step_ > 1;
  if (context->goes_on) {
    AskAhead(*context->stream, context->epoch, step_, /*first=*/true, *state_->catalog->store(),
             context->wanted);
  }
  context_ = std::move(context);
  request_.body = {};
  return OkStatus();
}

Result<BatchRun::Claimed> BatchRun::Claim() {
  if (context_ == nullptr) AUGSTORE_TRY(Open());
  if (step_ == end_) {
    const Frame end = ToFrame(EndReply{}, request_.request_id);
    return Claimed{[end](const Resume&) { return Result<std::optional<Frame>>(end); }, true};
  }
  return Claimed{[context = context_, step = step_++](const Resume& resume) {
                   return MakeBatch(*context, step, resume);
                 },
                 false};
}

Result<std::optional<Frame>> BatchRun::MakeBatch(const Context& context, uint64_t step,
                                                 const Resume& resume) {
  ServiceState& state = *context.state;
  const StreamReply& info = context.stream->info;
  const auto build = [&] {
    const bool int8 = info.spec.precision == Precision::kInt8;
    const EnginePool::Lease engine = (int8 ? state.int8_engines : state.engines).Take();
    ++state.batches_built;
    Store& store = *state.catalog->store();
    if (context.goes_on) {
      AskAhead(*context.stream, context.epoch, step, /*first=*/false, store, context.wanted);
    }
    return BuildBatch(*context.stream, context.epoch, step, store, *engine);
  };
  const BatchKey key{info.fingerprint, info.spec.rank, context.epoch, step};
  std::optional<Result<SharedBytes>> got = state.kept_batches.Get(key, build, resume);
  if (!got.has_value()) return std::optional<Frame>();
  AUGSTORE_ASSIGN(SharedBytes body, std::move(*got));
  ++state.batches;
  state.rows += RowsOfBatch(info, step);
  return std::optional<Frame>(BatchFrame(std::move(body), context.request_id));
}

}  // namespace augstore
