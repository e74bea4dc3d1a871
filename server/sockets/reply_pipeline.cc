#include "server/sockets/reply_pipeline.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace augstore {
namespace {

namespace asio = boost::asio;

// Before the first reply of a request is made, the sizes of the others are unknown.
constexpr size_t kUnknownBytes = ~size_t{0};

}  // namespace

SealedFrame Seal(Frame frame) {
  const auto header = SealHeader(frame);
  return {header, std::move(frame)};
}

ReplyPipeline::ReplyPipeline(asio::any_io_executor socket_thread, size_t workers,
                             std::chrono::milliseconds reply_limit)
    : socket_thread_(std::move(socket_thread)),
      workers_(workers),
      reply_limit_(reply_limit),
      changed_(socket_thread_, asio::steady_timer::time_point::max()) {}

void ReplyPipeline::Start(std::unique_ptr<ReplySource> source, const Pool& pool) {
  AUGSTORE_CHECK(end_ == next_ && waiting_ == 0 && !claiming_);
  pool_ = pool;
  source_ = std::move(source);
  claimed_ = 0;
  next_ = 0;
  end_.reset();
  failed_ = false;
  reply_bytes_ = kUnknownBytes;
  StartClaiming();
}

void ReplyPipeline::ShareBodies(std::unique_ptr<SharedBodyWriter> bodies) {
  AUGSTORE_CHECK(end_ == next_ && !claiming_);
  shared_ = std::move(bodies);
}

bool ReplyPipeline::Ready() {
  // Workers made these while they made the one that failed. The client never sees them, so it
  // cannot free their slots.
  while (failed_ && IsNextBuilt()) {
    const SealedFrame dropped = TakeNext();
    if (shared_ != nullptr) shared_->TakeBack(dropped.frame);
  }
  return closed_ || broken_ || IsNextBuilt() || end_ == next_;
}

asio::awaitable<std::optional<SealedFrame>> ReplyPipeline::Next() {
  while (!Ready()) co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
  if (closed_ || !IsNextBuilt()) co_return std::nullopt;
  SealedFrame reply = TakeNext();
  failed_ = reply.frame.type == MessageType::kErrorReply;
  co_return reply;
}

void ReplyPipeline::Close() {
  closed_ = true;
  stop_.request_stop();
  changed_.cancel();
}

SealedFrame ReplyPipeline::TakeNext() {
  SealedFrame reply = std::move(built_.extract(next_++).mapped());
  --waiting_;
  ContinueClaiming();
  CheckInvariants();
  return reply;
}

void ReplyPipeline::CheckInvariants() const {
  AUGSTORE_CHECK(built_.empty() || built_.begin()->first >= next_);
  AUGSTORE_CHECK(built_.size() <= waiting_);
  AUGSTORE_CHECK(waiting_ <= std::max<size_t>(1, kWaitingPerWorker * workers_));
  // The end is claimed after all replies, and no job claims after it.
  AUGSTORE_CHECK(!end_.has_value() || (!claiming_ && *end_ == next_ + waiting_));
  AUGSTORE_CHECK(!end_.has_value() || built_.empty() || built_.rbegin()->first < *end_);
}

bool ReplyPipeline::HasRoom() const {
  const size_t waiting = waiting_;
  if (waiting == 0) return true;
  const size_t bytes = reply_bytes_;
  size_t most = kWaitingPerWorker * workers_;
  if (shared_ != nullptr) most = std::min(most, kMostWaitingInSlots);
  return bytes != kUnknownBytes && waiting < most &&
         (waiting + 1) * bytes <= kWaitingBytesPerWorker * workers_;
}

template <typename Step>
void ReplyPipeline::Guarded(const Step& step) noexcept {
  try {
    step();
  } catch (...) {
    Break();
  }
}

void ReplyPipeline::Break() noexcept {
  if (broken_.exchange(true)) return;
  // Wakes Next, unless there is no memory even for that: then the session's Watch finds out.
  Guarded([this] { Post(socket_thread_, [](ReplyPipeline& self) { self.changed_.cancel(); }); });
}

template <typename Executor, typename Step>
void ReplyPipeline::Post(const Executor& executor, Step step) {
  asio::post(executor, [self = shared_from_this(), step = std::move(step)]() mutable {
    self->Guarded([&] { step(*self); });
  });
}

void ReplyPipeline::StartClaiming() {
  claiming_ = true;
  Post(*pool_, [](ReplyPipeline& self) { self.Claim(); });
}

void ReplyPipeline::ContinueClaiming() {
  if (!claiming_ && !end_.has_value() && !closed_ && HasRoom()) StartClaiming();
}

Cancellation ReplyPipeline::NewCancellation() const {
  return {stop_.get_token(), Cancellation::Clock::now() + reply_limit_};
}

void ReplyPipeline::Claim() {
  ReplyTask task = source_->NextTask(NewCancellation());
  if (task == nullptr) {
    source_.reset();  // on this thread: a source may hold much
    Post(socket_thread_, [end = claimed_](ReplyPipeline& self) {
      self.claiming_ = false;
      self.end_ = end;
      self.changed_.cancel();
    });
    return;
  }
  const uint64_t number = claimed_++;
  ++waiting_;
  const auto shared_task = std::make_shared<const ReplyTask>(std::move(task));
  // From here on another job may claim, so this one touches source_ and claimed_ no more.
  if (HasRoom() && !closed_) {
    Post(*pool_, [](ReplyPipeline& self) { self.Claim(); });
  } else {
    Post(socket_thread_, [](ReplyPipeline& self) {
      self.claiming_ = false;
      self.ContinueClaiming();  // a reply may have been taken meanwhile
    });
  }
  Run(number, shared_task);
}

void ReplyPipeline::Run(uint64_t number, const TaskPointer& task) {
  if (closed_) return;
  const auto resume = [self = shared_from_this(), number, task] {
    self->Guarded([&] {
      self->Post(*self->pool_, [number, task](ReplyPipeline& again) { again.Run(number, task); });
    });
  };
  Reply reply = (*task)(resume, NewCancellation());
  if (reply.parked) return;  // a worker runs it again, and this one may do something else
  Post(socket_thread_,
       [number, sealed = Place(std::move(reply.frame))](ReplyPipeline& self) mutable {
         self.built_.emplace(number, std::move(sealed));
         if (number == self.next_) self.changed_.cancel();
       });
}

SealedFrame ReplyPipeline::Place(Frame frame) {
  reply_bytes_ = frame.body.bytes.size();
  if (shared_ != nullptr) {
    if (std::optional<Frame> place = shared_->Put(frame)) frame = *std::move(place);
  }
  return Seal(std::move(frame));
}

}  // namespace augstore
