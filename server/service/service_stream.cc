#include "server/service/service_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/streams/chain_rows.h"
#include "engine/streams/stream_ahead.h"
#include "engine/streams/stream_batch.h"
#include "engine/streams/view_choice.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "server/access/access.h"
#include "server/service/batch_timer.h"
#include "server/service/service_reply.h"

namespace augstore {
namespace {

// Streams of one split, such as the ranks of a world, share one sample table.
std::shared_ptr<const Stream> WithSharedTable(ServiceState& state,
                                              std::shared_ptr<const Stream> stream) {
  const auto other = state.streams.FindIf([&](const Stream& candidate) {
    const StreamSpec& a = candidate.info.spec;
    const StreamSpec& b = stream->info.spec;
    return a.collection == b.collection && a.split == b.split && a.label_column == b.label_column &&
           candidate.info.collection_digest == stream->info.collection_digest &&
           HasViewsOf(*candidate.table, *stream);
  });
  if (other == nullptr) return stream;
  auto shared = std::make_shared<Stream>(*stream);
  shared->table = other->table;
  return shared;
}

Result<std::shared_ptr<const Stream>> ResolveAndKeep(ServiceState& state, const StreamSpec& spec,
                                                     const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(std::shared_ptr<const Stream> stream,
                  ResolveStream(*state.catalog, state.models, spec, cancellation));
  stream = WithSharedTable(state, std::move(stream));
  state.streams.Insert(stream->info.spec, stream);
  return stream;
}

// A collection version that was deleted may be written anew, with other samples: so a kept stream
// is used only while the digest of its collection is the same.
Result<std::shared_ptr<const Stream>> FindStream(ServiceState& state, const StreamSpec& spec,
                                                 const Cancellation& cancellation) {
  if (auto kept = state.streams.Find(spec); kept != nullptr) {
    AUGSTORE_ASSIGN(const auto collection, state.catalog->Get<CollectionRecord>(spec.collection));
    if (collection.record.digest == kept->info.collection_digest) return kept;
  }
  return ResolveAndKeep(state, spec, cancellation);
}

Status FingerprintDiffers(const StreamReply& here, const Digest& requested) {
  constexpr size_t kShortHex = 12;  // enough to tell versions apart by eye
  std::vector<std::string> transforms;
  for (const Digest& digest : here.transforms) {
    transforms.push_back(digest.Hex().substr(0, kShortHex));
  }
  return FailedPrecondition(
      "the stream resolves to fingerprint {} here, but {} was requested. Here: collection '{}', "
      "digest {}, {} samples, policy '{}', transforms [{}], seed {}, batch size {}, world size {}. "
      "The stream has changed since it was opened: call ResumeStream to see what differs, or open "
      "a new stream",
      here.fingerprint.Hex(), requested.Hex(), here.spec.collection, here.collection_digest.Hex(),
      here.samples, here.spec.policy, fmt::join(transforms, " "), here.spec.seed,
      here.spec.batch_size, here.spec.world_size);
}

using TablePointer = std::shared_ptr<const SampleTable>;

Result<TablePointer> FindTable(ServiceState& state, const Versioned<CollectionRecord>& collection,
                               const std::string& label_column, const ViewNumbers& views,
                               const Cancellation& cancellation) {
  const std::tuple key(collection.ref(), label_column, views);
  if (TablePointer kept = state.tables.Find(key); kept != nullptr) return kept;
  AUGSTORE_ASSIGN(TablePointer table,
                  LoadSampleTable(*state.catalog, state.stream_memory, collection.record, "",
                                  label_column, views, cancellation));
  state.tables.Insert(key, table);
  return table;
}

Status CheckSamples(const QueryRequest& message, const Versioned<CollectionRecord>& collection,
                    const SampleTable& table) {
  if (message.samples.size() > kMaxBatchRows) {
    return InvalidArgument(
        "{} samples were requested at once, the limit is {}: send several queries",
        message.samples.size(), kMaxBatchRows);
  }
  for (const SampleId sample : message.samples) {
    if (sample < table.rows.size()) continue;
    return InvalidArgument("sample {} is not in collection '{}', which has samples 0 to {}", sample,
                           collection.ref(), static_cast<int64_t>(table.rows.size()) - 1);
  }
  return CheckBatchSize(message.samples.size(), table.dim);
}

// Rows of batch `step` of the stream's rank.
uint64_t RowsOfBatch(const StreamReply& info, uint64_t step) {
  const uint64_t begin = (step * info.spec.world_size + info.spec.rank) * info.spec.batch_size;
  return begin >= info.samples ? 0 : std::min<uint64_t>(info.spec.batch_size, info.samples - begin);
}

StreamDescription Describe(const Stream& stream, const Principal& caller,
                           const RequestTrace* trace) {
  const StreamSpec& spec = stream.info.spec;
  return {.connection = &caller,
          .who = caller.who,
          .peer = caller.peer,
          .collection = spec.collection,
          .policy = spec.policy,
          .fingerprint = stream.info.fingerprint,
          .rank = spec.rank,
          .world_size = spec.world_size,
          .batch_size = spec.batch_size,
          .steps = stream.info.steps,
          .trace_id = trace == nullptr ? "" : trace->trace_id()};
}

// The steps that one BatchesRequest asks for.
class BatchRun : public ReplySource {
 public:
  BatchRun(ServiceState* state, Frame request, PrincipalPointer caller, RequestTracePointer trace)
      : request_(std::move(request)) {
    run_->state = state;
    run_->caller = std::move(caller);
    run_->trace = std::move(trace);
    run_->request_id = request_.request_id;
  }
  ReplyTask NextTask(const Cancellation& cancellation) override;
  std::shared_ptr<StreamSlot> stream() const override { return run_->slot; }

 private:
  // What the tasks of a run share; they may outlive it.
  struct Run {
    ~Run() {
      if (activity != nullptr) --activity->runs;
    }
    ServiceState* state = nullptr;
    PrincipalPointer caller;
    RequestTracePointer trace;  // null: outside of traces
    uint32_t request_id = 0;
    std::string target;                    // for the audit log
    std::shared_ptr<const Stream> stream;  // null before Open
    const std::shared_ptr<StreamSlot> slot = std::make_shared<StreamSlot>();
    std::shared_ptr<StreamActivity> activity;  // null before Open
    uint64_t epoch = 0;
    bool several = false;  // a single batch needs no read-ahead
    // Held while the run lasts: the store drops what was requested ahead for a run that is gone.
    std::shared_ptr<const void> wanted = std::make_shared<char>();
    std::atomic<bool> failed = false;
    std::atomic<bool> refused = false;  // and the audit log has it
  };
  Status Open(const Cancellation& cancellation);
  // The run's first failure, or that its caller's key has ended.
  static Status CheckMayGoOn(Run& run, const Status& opened);
  static Result<Reply> MakeBatch(const Run& run, uint64_t step, const Resume& resume,
                                 const Cancellation& cancellation);

  Frame request_;
  const std::shared_ptr<Run> run_ = std::make_shared<Run>();
  uint64_t step_ = 0;
  uint64_t end_ = 0;
  bool done_ = false;
};

ReplyTask BatchRun::NextTask(const Cancellation& cancellation) {
  if (done_ || run_->failed) return nullptr;
  Status opened;
  if (run_->stream == nullptr) {
    opened = Guarded(request_.type, [&] { return Open(cancellation); });
  }
  AUGSTORE_CHECK(step_ <= end_);
  done_ = !opened.ok() || step_ == end_;
  return [run = run_, opened = std::move(opened), end = done_, step = step_++](
             const Resume& resume, const Cancellation& of_task) {
    Reply reply = MakeReply(*run->state, MessageType::kBatchesRequest, run->request_id,
                            [&]() -> Result<Reply> {
                              AUGSTORE_TRY(CheckMayGoOn(*run, opened));
                              if (!end) return MakeBatch(*run, step, resume, of_task);
                              return Reply{false, ToFrame(EndReply{}, run->request_id)};
                            });
    if (!reply.parked && reply.frame.type == MessageType::kErrorReply) run->failed = true;
    return reply;
  };
}

Status BatchRun::CheckMayGoOn(Run& run, const Status& opened) {
  Status status = opened.ok() ? CheckValid(*run.caller) : opened;
  if (status.ok() && run.activity->stopped) {
    return FailedPrecondition(
        "an administrator stopped this stream: it can be opened again on another connection");
  }
  if (IsRefusal(status) && !run.refused.exchange(true)) {
    NoteOutcome(*run.state, MessageType::kBatchesRequest, *run.caller,
                {.target = run.target, .result = {}}, status);
  }
  return status;
}

Status BatchRun::Open(const Cancellation& cancellation) {
  AUGSTORE_TRY(CheckRole(request_.type, *run_->caller));
  AUGSTORE_ASSIGN(const BatchesRequest message, FromFrame<BatchesRequest>(request_));
  run_->target = TargetOf(message);
  if (run_->trace != nullptr) {
    run_->trace->NoteCollection(message.spec.collection);
    run_->trace->NoteRun(message.epoch, message.step);
  }
  AUGSTORE_TRY(CheckScope(*run_->state->catalog, *run_->caller, message));
  if (message.count == 0 || message.count > kMaxBatchesPerRequest) {
    return InvalidArgument("{} batches were requested in one run: request 1 to {}", message.count,
                           kMaxBatchesPerRequest);
  }
  AUGSTORE_ASSIGN(std::shared_ptr<const Stream> stream,
                  FindStream(*run_->state, message.spec, cancellation));
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
  run_->epoch = message.epoch;
  run_->several = end_ - step_ > 1;
  run_->activity =
      run_->state->metrics.streams.Join(Describe(*stream, *run_->caller, run_->trace.get()));
  run_->slot->Set(run_->activity);
  run_->stream = std::move(stream);
  if (run_->several) {
    AskAhead(*run_->stream, run_->epoch, step_, /*first=*/true, *run_->state->catalog->store(),
             run_->wanted);
  }
  request_.body = {};  // a run may be long
  return OkStatus();
}

Result<Reply> BatchRun::MakeBatch(const Run& run, uint64_t step, const Resume& resume,
                                  const Cancellation& cancellation) {
  ServiceState& state = *run.state;
  const StreamReply& info = run.stream->info;
  const auto build = [&] {
    const bool int8 = info.spec.precision == Precision::kInt8;
    const EnginePool::Lease engine = (int8 ? state.int8_engines : state.engines).Acquire();
    Store& store = *state.catalog->store();
    if (run.several) AskAhead(*run.stream, run.epoch, step, /*first=*/false, store, run.wanted);
    BatchTimer timer(&state.metrics, run.trace.get());
    return BuildBatch(*run.stream, run.epoch, step, store, *engine, cancellation, timer.times());
  };
  const BatchKey key{info.fingerprint, info.spec.rank, run.epoch, step};
  const uint64_t bytes = RowsOfBatch(info, step) *
                         (RowBytes(info.spec.dtype, run.stream->table->dim) + kBytesPerSample);
  AUGSTORE_TRY(state.memory.CheckFits(bytes, "a batch"));
  std::optional<MemoryBudget::Share> share = state.memory.Take(bytes, resume);
  if (!share.has_value()) {
    state.kept_batches.Clear();  // resumes this task as well
    return Reply{.parked = true, .frame = {}};
  }
  const auto build_within = [&]() -> Result<SharedBytes> {
    AUGSTORE_ASSIGN(SharedBytes body, build());
    return WithShare(std::move(body), *std::move(share));
  };
  std::optional<Result<SharedBytes>> got = state.kept_batches.Get(key, build_within, resume);
  // A batch that was kept while another task began to wait for memory would keep it waiting.
  if (state.memory.is_short()) state.kept_batches.Clear();
  if (!got.has_value()) return Reply{.parked = true, .frame = {}};
  AUGSTORE_ASSIGN(SharedBytes body, *std::move(got));
  ++state.metrics.batches;
  state.metrics.rows += RowsOfBatch(info, step);
  if (run.trace != nullptr) run.trace->CountBatch(RowsOfBatch(info, step));
  StreamActivity& activity = *run.activity;
  // Batches are made side by side: the step is that of the furthest.
  if (activity.epoch.exchange(run.epoch) != run.epoch) activity.step = 0;
  uint64_t furthest = activity.step;
  while (furthest < step + 1 && !activity.step.compare_exchange_weak(furthest, step + 1)) {
  }
  ++activity.batches;
  activity.rows += RowsOfBatch(info, step);
  activity.last = StreamActivity::Clock::now();
  return Reply{.parked = false, .frame = BatchFrame(std::move(body), run.request_id)};
}

}  // namespace

Result<SharedBytes> handlers::Query(ServiceState& state, QueryRequest& message,
                                    const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(const ChainRef parsed,
                  ParseChain(message.chain.empty() ? "identity" : message.chain));
  AUGSTORE_ASSIGN(const Versioned<CollectionRecord> collection,
                  state.catalog->Get<CollectionRecord>(message.collection));
  AUGSTORE_ASSIGN(const PinnedChain chain,
                  ResolveChain(*state.catalog, state.models, collection.record.backbone, parsed));
  AUGSTORE_ASSIGN(const ViewNumbers views, ViewsOf(collection, chain.view));
  AUGSTORE_ASSIGN(const TablePointer table,
                  FindTable(state, collection, message.label_column, views, cancellation));
  AUGSTORE_TRY(CheckSamples(message, collection, *table));

  std::vector<RowId> rows;
  rows.reserve(message.samples.size());
  for (const SampleId sample : message.samples) {
    rows.push_back(DrawRow(*table, views, 0, 0, sample));
    if (rows.back() != kNoRow) continue;
    return FailedPrecondition(
        "sample {} of '{}' lacks stored views: `augstore view add --split ''` stores what is "
        "missing",
        sample, collection.ref());
  }
  AUGSTORE_ASSIGN(MemoryBudget::Share share, TakeReply(state, rows.size(), table->dim));
  BatchWriter writer(rows.size(), table->dim);
  const EnginePool::Lease engine = state.engines.Acquire();
  const ChainRows chain_rows{table->space, rows, {0, 0, message.samples}};
  AUGSTORE_TRY(ReadThroughChain(*state.catalog->store(), *engine, chain.steps, chain_rows,
                                cancellation, writer.embeddings())
                   .WithContext("chain " + chain.text));
  std::ranges::copy(message.samples, writer.samples().begin());
  std::ranges::transform(message.samples, writer.labels().begin(),
                         [&](SampleId sample) { return table->labels[sample]; });
  std::ranges::fill(writer.chains(), uint16_t{0});
  AUGSTORE_ASSIGN(SharedBytes body, writer.Finish(0, 0));
  return WithShare(std::move(body), std::move(share));
}

Result<StreamReply> handlers::OpenStream(ServiceState& state, OpenStreamRequest& message,
                                         const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(const std::shared_ptr<const Stream> stream,
                  ResolveAndKeep(state, message.spec, cancellation));
  return stream->info;
}

std::unique_ptr<ReplySource> StartBatches(ServiceState* state, Frame request,
                                          PrincipalPointer caller, RequestTracePointer trace) {
  return std::make_unique<BatchRun>(state, std::move(request), std::move(caller), std::move(trace));
}

}  // namespace augstore
