#include "client/batch_stream.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "client/client.h"
#include "client/exchange.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {
namespace {

// A run of batches as the reader sees it. `generation` tells it from the one that a Seek puts in
// its place.
struct Run {
  uint64_t generation = 0;
  uint64_t epoch = 0;
  uint64_t step = 0;  // the next that has not arrived
};

// Why reading stopped, and whether a new connection may help.
struct Stop {
  Status status;
  bool transient = false;
};

}  // namespace

struct BatchStream::State {
  State(ChannelFactory the_factory, StreamReply the_info, const RetryOptions& the_retry,
        uint32_t the_prefetch)
      : factory(std::move(the_factory)),
        info(std::move(the_info)),
        retry(the_retry),
        prefetch(std::max(the_prefetch, 1u)) {}

  // --- The caller's thread ---
  void Seek(uint64_t epoch, uint64_t step);
  Result<std::optional<Batch>> Next();
  Result<Batch> Get(uint64_t epoch, uint64_t step);
  Result<Batch> FinishGet(const Frame& reply, const Run& run);
  void Join();

  // --- The reader's thread ---
  void Loop();
  void ReadEpoch(Run run);
  Stop ReadRun(Run* run);
  Stop ReceiveRun(Run* run);
  Status OpenChannel(const Run& run);
  void DropChannel();
  bool Push(const Run& run, Batch batch);
  void Finish(const Run& run, Status status);
  bool IsCurrent(const Run& run);

  Frame RequestOf(const Run& run, uint32_t count);
  Result<Batch> ToBatch(const Frame& frame, const Run& run) const;
  bool Superseded(const Run& run) const AUGSTORE_REQUIRES(mutex) {
    return stopping || run.generation != wanted.generation;
  }

  const ChannelFactory factory;
  const StreamReply info;
  const RetryOptions retry;
  const uint32_t prefetch;

  std::unique_ptr<Channel> single;  // of Get
  uint32_t single_id = 0;
  std::unique_ptr<Channel> channel;  // of the reader
  uint32_t channel_id = 0;

  Mutex mutex;
  std::condition_variable changed;
  Run wanted AUGSTORE_GUARDED_BY(mutex);  // generation 0: Seek was never called
  // The generation that the reader works on or has finished.
  uint64_t taken_up AUGSTORE_GUARDED_BY(mutex) = 0;
  bool finished AUGSTORE_GUARDED_BY(mutex) = false;  // nothing more comes after what is in `ready`
  Status outcome AUGSTORE_GUARDED_BY(mutex);         // how the run ended
  std::deque<Batch> ready AUGSTORE_GUARDED_BY(mutex);
  Channel* live AUGSTORE_GUARDED_BY(mutex) = nullptr;  // where the reader may be waiting
  bool stopping AUGSTORE_GUARDED_BY(mutex) = false;

  std::thread reader;
};

void BatchStream::State::Seek(uint64_t epoch, uint64_t step) {
  {
    const MutexLock lock(mutex);
    // A run in progress is cancelled by closing its connection. A finished one leaves it ready for
    // the next request.
    if (live != nullptr && !finished) live->Interrupt();
    wanted = {wanted.generation + 1, epoch, step};
    finished = false;
    outcome = OkStatus();
    ready.clear();
  }
  changed.notify_all();
  if (!reader.joinable()) reader = std::thread([this] { Loop(); });
}

Result<std::optional<Batch>> BatchStream::State::Next() {
  MutexLock lock(mutex);
  if (wanted.generation == 0) {
    return FailedPrecondition("the stream stands nowhere yet: call Epoch or Seek before Next");
  }
  while (!finished && ready.empty()) changed.wait(lock.native());
  if (ready.empty()) {
    if (!outcome.ok()) return outcome;
    return std::optional<Batch>();
  }
  std::optional<Batch> batch(std::move(ready.front()));
  ready.pop_front();
  lock.unlock();
  changed.notify_all();
  return batch;
}

Result<Batch> BatchStream::State::Get(uint64_t epoch, uint64_t step) {
  const Run run{0, epoch, step};
  Backoff backoff(retry);
  for (;;) {
    Frame request = RequestOf(run, 1);
    request.request_id = ++single_id;
    Outcome outcome_of_get = Exchange(factory, &single, request);
    if (outcome_of_get.reply.ok()) return FinishGet(*outcome_of_get.reply, run);
    const Status status = outcome_of_get.reply.status();
    if (!outcome_of_get.connection_failed && status.code() != Code::kUnavailable) return status;
    if (outcome_of_get.connection_failed && !IsTransient(status)) return status;
    single.reset();
    const auto pause = backoff.Next();
    if (!pause.has_value()) return status;
    std::this_thread::sleep_for(*pause);
  }
}

Result<Batch> BatchStream::State::FinishGet(const Frame& reply, const Run& run) {
  if (reply.type == MessageType::kEndReply) {
    return InvalidArgument(
        "step {} of epoch {} does not exist: an epoch has {} steps for this rank", run.step,
        run.epoch, info.steps);
  }
  // Without its end the channel is of no use, but the batch is good.
  const Result<Frame> end = single->Receive();
  if (!end.ok() || end->type != MessageType::kEndReply) single.reset();
  return ToBatch(reply, run);
}

void BatchStream::State::Join() {
  {
    const MutexLock lock(mutex);
    stopping = true;
    if (live != nullptr) live->Interrupt();
  }
  changed.notify_all();
  if (reader.joinable()) reader.join();
}

Frame BatchStream::State::RequestOf(const Run& run, uint32_t count) {
  return ToFrame(BatchesRequest{info.spec, info.fingerprint, run.epoch, run.step, count});
}

Result<Batch> BatchStream::State::ToBatch(const Frame& frame, const Run& run) const {
  AUGSTORE_TRY(ExpectType(frame, MessageType::kBatchReply));
  AUGSTORE_ASSIGN(Batch batch, BatchFromFrame(frame));
  if (batch.epoch != run.epoch || batch.step != run.step) {
    return Internal(
        "the server sent step {} of epoch {} where step {} of epoch {} was due: please report this",
        batch.step, batch.epoch, run.step, run.epoch);
  }
  if (batch.embeddings.cols != info.dim) {
    return Internal(
        "the server sent a batch of dimension {} in a stream of dimension {}: please report this",
        batch.embeddings.cols, info.dim);
  }
  return batch;
}

void BatchStream::State::Loop() {
  for (;;) {
    Run run;
    {
      MutexLock lock(mutex);
      while (!stopping && wanted.generation == taken_up) changed.wait(lock.native());
      if (stopping) break;
      taken_up = wanted.generation;
      run = wanted;
    }
    try {
      ReadEpoch(run);
    } catch (const std::exception& error) {
      Finish(run, ResourceExhausted(
                      "a batch could not be received: {}: free memory, or use smaller batches",
                      error.what()));
      DropChannel();
    }
  }
  DropChannel();
}

void BatchStream::State::ReadEpoch(Run run) {
  Backoff backoff(retry);
  for (;;) {
    const uint64_t before = run.step;
    Stop stop = ReadRun(&run);
    if (!stop.status.ok()) DropChannel();
    if (!IsCurrent(run)) return;
    if (!stop.status.ok() && !stop.transient) return Finish(run, stop.status);
    if (stop.status.ok() && run.step >= info.steps) return Finish(run, OkStatus());
    if (run.step > before) backoff.Reset();
    if (stop.status.ok()) {
      if (run.step > before) continue;
      return Finish(run, Internal("the server ended the epoch at step {} of {}: please report this",
                                  run.step, info.steps));
    }
    const auto pause = backoff.Next();
    if (!pause.has_value()) return Finish(run, stop.status);
    const auto end = std::chrono::steady_clock::now() + *pause;
    MutexLock lock(mutex);
    while (!Superseded(run)) {
      if (changed.wait_until(lock.native(), end) == std::cv_status::timeout) break;
    }
    if (Superseded(run)) return;
  }
}

Stop BatchStream::State::ReadRun(Run* run) {
  if (Status opened = OpenChannel(*run); !opened.ok()) {
    const bool transient = IsTransient(opened);
    return {std::move(opened), transient};
  }
  Frame request = RequestOf(*run, kMaxBatchesPerRequest);
  request.request_id = ++channel_id;
  if (Status sent = channel->Send(request); !sent.ok()) {
    const bool transient = IsTransient(sent);
    return {std::move(sent), transient};
  }
  return ReceiveRun(run);
}

Stop BatchStream::State::ReceiveRun(Run* run) {
  for (;;) {
    Result<Frame> frame = channel->Receive();
    if (!frame.ok()) return {frame.status(), IsTransient(frame.status())};
    if (Status status = CheckReply(*frame, channel_id); !status.ok()) {
      // A server that has no room for another connection now may have it later.
      const bool crowded = frame->request_id == 0 && status.code() == Code::kResourceExhausted;
      return {status, crowded || status.code() == Code::kUnavailable};
    }
    if (frame->type == MessageType::kEndReply) return {OkStatus(), false};
    Result<Batch> batch = ToBatch(*frame, *run);
    if (!batch.ok()) return {batch.status(), false};
    if (!Push(*run, std::move(*batch))) return {Unavailable("the run was cancelled"), false};
    ++run->step;
  }
}

Status BatchStream::State::OpenChannel(const Run& run) {
  if (channel == nullptr) {
    AUGSTORE_ASSIGN(channel, factory());
  }
  const MutexLock lock(mutex);
  // A Seek that came while the channel was being opened found nothing to interrupt.
  if (Superseded(run)) return Unavailable("the run was cancelled");
  live = channel.get();
  return OkStatus();
}

void BatchStream::State::DropChannel() {
  {
    const MutexLock lock(mutex);
    live = nullptr;
  }
  channel.reset();
}

bool BatchStream::State::Push(const Run& run, Batch batch) {
  MutexLock lock(mutex);
  while (!Superseded(run) && ready.size() >= prefetch) changed.wait(lock.native());
  if (Superseded(run)) return false;
  ready.push_back(std::move(batch));
  lock.unlock();
  changed.notify_all();
  return true;
}

void BatchStream::State::Finish(const Run& run, Status status) {
  {
    const MutexLock lock(mutex);
    if (Superseded(run)) return;
    finished = true;
    outcome = std::move(status);
  }
  changed.notify_all();
}

bool BatchStream::State::IsCurrent(const Run& run) {
  const MutexLock lock(mutex);
  return !Superseded(run);
}

BatchStream::BatchStream(ChannelFactory factory, StreamReply info, const RetryOptions& retry,
                         uint32_t prefetch)
    : state_(std::make_unique<State>(std::move(factory), std::move(info), retry, prefetch)) {}

BatchStream::~BatchStream() { state_->Join(); }

const StreamReply& BatchStream::info() const { return state_->info; }

BatchStream::Range BatchStream::Epoch(uint64_t epoch, uint64_t step) {
  Seek(epoch, step);
  return Range(this);
}

Result<Batch> BatchStream::Get(uint64_t epoch, uint64_t step) { return state_->Get(epoch, step); }

void BatchStream::Seek(uint64_t epoch, uint64_t step) { state_->Seek(epoch, step); }

Result<std::optional<Batch>> BatchStream::Next() { return state_->Next(); }

void BatchStream::Range::Iterator::Advance() {
  // An error is the last element.
  const bool failed = current_.has_value() && !current_->ok();
  current_.reset();
  if (failed) return;
  Result<std::optional<Batch>> next = stream_->Next();
  if (!next.ok()) {
    current_.emplace(next.status());
  } else if (next->has_value()) {
    current_.emplace(std::move(**next));
  }
}

}  // namespace augstore
