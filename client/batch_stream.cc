#include "client/batch_stream.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "client/exchange.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {
namespace {

// A run of batches as the reader sees it. Each Seek starts another generation, which supersedes
// the one before.
struct Run {
  uint64_t generation = 0;
  uint64_t epoch = 0;
  uint64_t step = 0;  // the next that has not arrived
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
  Status ReadEpoch(Run run);
  Attempt ReadRuns(Run* run);
  Attempt ReadRun(Run* run);
  Attempt ReceiveRun(Run* run);
  Status OpenChannel(const Run& run);
  void DropChannel();
  bool Push(const Run& run, Batch batch);
  void Finish(const Run& run, Status status);
  bool SleepUnlessSuperseded(const Run& run, std::chrono::milliseconds pause);

  Frame RequestOf(const Run& run, uint32_t count);
  Result<Batch> ToBatch(const Frame& frame, const Run& run) const;
  bool Superseded(const Run& run) const AUGSTORE_REQUIRES(mutex) {
    return stopping || run.generation != wanted.generation;
  }

  const ChannelFactory factory;
  const StreamReply info;
  const RetryOptions retry;
  const uint32_t prefetch;

  std::unique_ptr<Channel> single;  // of Get: that of the reader is in the middle of a run
  uint32_t single_id = 0;
  std::unique_ptr<Channel> channel;  // of the reader
  uint32_t channel_id = 0;

  Mutex mutex;
  std::condition_variable changed;
  Run wanted AUGSTORE_GUARDED_BY(mutex);  // generation 0: Seek was never called
  // The generation that the reader works on, or has finished.
  uint64_t started AUGSTORE_GUARDED_BY(mutex) = 0;
  bool finished AUGSTORE_GUARDED_BY(mutex) = false;  // no batch follows those in `ready`
  Status outcome AUGSTORE_GUARDED_BY(mutex);         // how the run ended
  std::deque<Batch> ready AUGSTORE_GUARDED_BY(mutex);
  // `channel`, for Interrupt: the reader may be waiting there.
  Channel* live AUGSTORE_GUARDED_BY(mutex) = nullptr;
  bool stopping AUGSTORE_GUARDED_BY(mutex) = false;

  std::thread reader;
};

void BatchStream::State::Seek(uint64_t epoch, uint64_t step) {
  {
    const MutexLock lock(mutex);
    // The protocol has no message that cancels a run: closing the connection does. After a finished
    // run the connection is ready for the next request.
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
    return FailedPrecondition("the stream has no position yet: call Epoch or Seek before Next");
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
  Frame request = RequestOf(run, 1);
  request.request_id = ++single_id;
  const auto worthwhile = [](const Outcome& failed) {
    const Status& status = failed.reply.status();
    return failed.connection_failed ? IsTransient(status) : status.code() == Code::kUnavailable;
  };
  const Outcome outcome_of_get = ExchangeWithRetries(factory, &single, request, retry, worthwhile);
  AUGSTORE_TRY(outcome_of_get.reply);
  return FinishGet(*outcome_of_get.reply, run);
}

Result<Batch> BatchStream::State::FinishGet(const Frame& reply, const Run& run) {
  if (reply.type == MessageType::kEndReply) {
    return InvalidArgument(
        "step {} of epoch {} does not exist: an epoch has {} steps for this rank", run.step,
        run.epoch, info.steps);
  }
  // A channel that still holds the end of this run cannot be used again. The batch is good all the
  // same.
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
        "the server sent step {} of epoch {} instead of step {} of epoch {}: please report this",
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
      while (!stopping && wanted.generation == started) changed.wait(lock.native());
      if (stopping) break;
      started = wanted.generation;
      run = wanted;
    }
    try {
      Finish(run, ReadEpoch(run));
    } catch (const std::exception& error) {
      Finish(run, ResourceExhausted(
                      "a batch could not be received: {}: free memory, or use smaller batches",
                      error.what()));
      DropChannel();
    }
  }
  DropChannel();
}

Status BatchStream::State::ReadEpoch(Run run) {
  return Retry(
      retry, [&] { return ReadRuns(&run); },
      [&](std::chrono::milliseconds pause) { return SleepUnlessSuperseded(run, pause); });
}

// One request brings a bounded number of batches, so an epoch may take several.
Attempt BatchStream::State::ReadRuns(Run* run) {
  const uint64_t first = run->step;
  Attempt read;
  do {
    const uint64_t before = run->step;
    read = ReadRun(run);
    if (read.status.ok() && run->step == before && run->step < info.steps) {
      read.status = Internal("the server ended the epoch at step {} of {}: please report this",
                             run->step, info.steps);
    }
  } while (read.status.ok() && run->step < info.steps);
  if (!read.status.ok()) DropChannel();
  read.progress = run->step > first;
  return read;
}

Attempt BatchStream::State::ReadRun(Run* run) {
  Status opened = OpenChannel(*run);
  if (!opened.ok()) return {opened, IsTransient(opened)};
  Frame request = RequestOf(*run, kMaxBatchesPerRequest);
  request.request_id = ++channel_id;
  Status sent = channel->Send(request);
  // A server that has no room for another connection says so to the greeting.
  const bool crowded = sent.code() == Code::kResourceExhausted;
  if (!sent.ok()) return {sent, crowded || IsTransient(sent)};
  return ReceiveRun(run);
}

Attempt BatchStream::State::ReceiveRun(Run* run) {
  for (;;) {
    Result<Frame> frame = channel->Receive();
    if (!frame.ok()) return {frame.status(), IsTransient(frame.status())};
    if (Status status = CheckReply(*frame, channel_id); !status.ok()) {
      // A server that has no room for another connection now may have it later.
      const bool crowded = frame->request_id == 0 && status.code() == Code::kResourceExhausted;
      return {status, crowded || status.code() == Code::kUnavailable};
    }
    if (frame->type == MessageType::kEndReply) return {};
    Result<Batch> batch = ToBatch(*frame, *run);
    if (!batch.ok()) return {batch.status()};
    if (!Push(*run, std::move(*batch))) return {Unavailable("the run was cancelled")};
    ++run->step;
  }
}

Status BatchStream::State::OpenChannel(const Run& run) {
  if (channel == nullptr) {
    AUGSTORE_ASSIGN(channel, factory());
  }
  const MutexLock lock(mutex);
  // A Seek during factory() found no channel to interrupt.
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
  AUGSTORE_CHECK(!finished && ready.size() < prefetch);
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

bool BatchStream::State::SleepUnlessSuperseded(const Run& run, std::chrono::milliseconds pause) {
  MutexLock lock(mutex);
  const auto end = std::chrono::steady_clock::now() + pause;
  while (!Superseded(run)) {
    if (changed.wait_until(lock.native(), end) == std::cv_status::timeout) break;
  }
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
