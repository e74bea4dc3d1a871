#include "server/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "schemas/base/limits.h"
#include "schemas/wire/descriptor_passing.h"
#include "schemas/wire/messages.h"
#include "server/log.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

// Failures are values, not exceptions.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kLingerBytes = 4096;
// Replies that are made, or were, before they can be written: enough to keep all workers and the
// socket thread busy, and no more bytes than that takes, but for one reply, however large.
constexpr size_t kWaitingPerWorker = 2;
constexpr size_t kWaitingBytesPerWorker = size_t{1} << 20;
constexpr size_t kUnknownBytes = ~size_t{0};
constexpr size_t kMostWaitingInSlots = kMostSlots / 2;  // the others are sent, or with the client
// More of a batch goes in one call, instead of waking the socket thread for each part of it. TCP
// sizes its buffers by itself, and stops when it is told a size. The kernel may allow less.
constexpr int kLargeSendBuffer = 2 << 20;
// Of frames that say where their body is: the least that the kernel takes, about six of them. What
// was sent and not yet read keeps a slot, of which there are a few more.
constexpr int kSmallSendBuffer = 1;

bool IsUnix(int socket) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

// What is left of header and body after `sent` bytes of both.
std::array<asio::const_buffer, 2> Remaining(asio::const_buffer header, asio::const_buffer body,
                                            size_t sent) {
  const size_t of_header = std::min(sent, header.size());
  return {header + of_header, body + (sent - of_header)};
}

}  // namespace

Session::Session(Socket socket, Service* service, Pool pool, const SessionLimits& limits)
    : socket_(std::move(socket)),
      service_(service),
      pool_(std::move(pool)),
      limits_(limits),
      reader_(kMaxRequestBytes),
      watchdog_(socket_.get_executor()),
      built_signal_(socket_.get_executor(), Clock::time_point::max()),
      deadline_(Clock::now() + limits.idle),
      is_unix_(IsUnix(socket_.native_handle())) {
  SetSendBuffer(kLargeSendBuffer);
}

void Session::SetSendBuffer(int bytes) {
  if (!is_unix_ || send_buffer_ == bytes) return;
  send_buffer_ = bytes;
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void Session::Enter(Phase phase) {
  if (phase_ == Phase::kClosed) return;
  phase_ = phase;
  const Clock::time_point now = Clock::now();
  switch (phase) {
    case Phase::kReading:
      deadline_ = now + limits_.idle;
      break;
    case Phase::kWriting:
      deadline_ = now + (stopping_ ? std::min(limits_.drain, limits_.write) : limits_.write);
      break;
    case Phase::kLingering:
      deadline_ = now + limits_.linger;
      break;
    case Phase::kBuilding:  // the peer waits for us
    case Phase::kClosed:
      return;
  }
  if (deadline_ < watchdog_.expiry()) watchdog_.cancel();
}

void Session::Close() {
  phase_ = Phase::kClosed;
  closed_ = true;
  Error ignored;
  socket_.close(ignored);
  watchdog_.cancel();
  built_signal_.cancel();
}

void Session::Stop() {
  stopping_ = true;
  if (phase_ == Phase::kReading || phase_ == Phase::kLingering) Close();
  if (phase_ == Phase::kWriting) Enter(Phase::kWriting);
}

Session::Awaitable<void> Session::Watch(std::shared_ptr<Session> self) {
  // Napping no longer than the shortest common timeout spares Enter from waking the timer at every
  // change of phase.
  const auto nap = std::min(self->limits_.idle, self->limits_.write);
  while (self->phase_ != Phase::kClosed) {
    const bool waiting_for_peer = self->phase_ != Phase::kBuilding;
    const Clock::time_point now = Clock::now();
    if (self->broken_ || (waiting_for_peer && now >= self->deadline_)) {
      self->Close();
      break;
    }
    self->watchdog_.expires_at(waiting_for_peer ? std::min(self->deadline_, now + nap) : now + nap);
    co_await self->watchdog_.async_wait(kAwait);
  }
}

Session::Awaitable<void> Session::Serve(std::shared_ptr<Session> self) {
  asio::co_spawn(self->socket_.get_executor(), Watch(self), asio::detached);
  try {
    co_await ServeRequests(self);
  } catch (const std::exception& error) {
    Log().error("a connection was closed: {}", error.what());
  }
  self->Close();
}

Session::Awaitable<void> Session::Refuse(std::shared_ptr<Session> self, Frame reason) {
  asio::co_spawn(self->socket_.get_executor(), Watch(self), asio::detached);
  co_await SayAndLeave(self, std::move(reason));
}

Session::Awaitable<void> Session::ServeRequests(std::shared_ptr<Session> self) {
  while (!self->stopping_) {
    Status refusal;
    try {
      Result<std::optional<Frame>> request = co_await Read(self);
      if (request.ok()) {
        if (!request->has_value()) co_return;
        bool usable = false;
        if ((*request)->type == MessageType::kShareMemoryRequest) {
          usable = co_await ShareMemory(self, std::move(**request));
        } else {
          usable = co_await Answer(self, std::move(**request));
        }
        if (!usable) co_return;
      } else {
        refusal = request.status();
      }
    } catch (const std::bad_alloc&) {
      refusal = ResourceExhausted(
          "the server has no memory for a request of this size: send less at once");
    }
    if (!refusal.ok()) {
      Log().warn("a connection is closed: {}", refusal.ToString());
      co_await SayAndLeave(self, ErrorFrame(refusal, 0));
      co_return;
    }
  }
}

Session::Awaitable<Result<std::optional<Frame>>> Session::Read(std::shared_ptr<Session> self) {
  for (;;) {
    Result<std::optional<Frame>> next = self->reader_.Next();
    if (!next.ok() || next->has_value()) co_return next;
    const std::span<uint8_t> space = self->reader_.Prepare();
    self->Enter(Phase::kReading);
    const auto [error, count] =
        co_await self->socket_.async_read_some(asio::buffer(space.data(), space.size()), kAwait);
    if (error || self->phase_ == Phase::kClosed) co_return std::optional<Frame>();
    self->reader_.Commit(count);
  }
}

Session::Awaitable<bool> Session::Answer(std::shared_ptr<Session> self, Frame request) {
  self->next_ = 0;
  self->reply_bytes_ = kUnknownBytes;
  self->StartBuilding(std::move(request));
  bool failed = false;
  for (;;) {
    std::optional<Sealed> reply = co_await Built(self);
    if (!reply.has_value()) co_return !self->broken_ && !self->closed_;
    if (failed) {  // made at the same time as the one that failed
      if (self->shared_ != nullptr) self->shared_->TakeBack(reply->frame);
      continue;
    }
    failed = reply->frame.type == MessageType::kErrorReply;
    const bool written = co_await Write(self, std::move(*reply));
    // The frame in flight is the last one of a server that stops.
    if (!written || self->stopping_) co_return false;
  }
}

bool Session::HasRoom() const {
  const size_t waiting = waiting_;
  if (waiting == 0) return true;
  const size_t bytes = reply_bytes_;
  size_t most = kWaitingPerWorker * limits_.workers;
  if (shared_ != nullptr) most = std::min(most, kMostWaitingInSlots);
  return bytes != kUnknownBytes && waiting < most &&
         (waiting + 1) * bytes <= kWaitingBytesPerWorker * limits_.workers;
}

void Session::StartBuilding(std::optional<Frame> request) {
  claiming_ = true;
  asio::post(pool_, [self = shared_from_this(), request = std::move(request)]() mutable {
    self->Build(std::move(request));
  });
}

void Session::ContinueBuilding() {
  const bool ended = !built_.empty() && !built_.rbegin()->second.has_value();
  if (!claiming_ && !ended && HasRoom() && !closed_) StartBuilding(std::nullopt);
}

void Session::Build(std::optional<Frame> request) try {
  if (request.has_value()) claimed_ = 0;
  ReplyTask task = Claim(std::move(request));
  const uint64_t number = claimed_++;
  if (task == nullptr) return Deliver(number, std::nullopt);
  ++waiting_;
  // From here on another job may claim, so this one touches source_ and claimed_ no more.
  if (HasRoom() && !closed_) {
    asio::post(pool_, [self = shared_from_this()] { self->Build(std::nullopt); });
  } else {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->EndClaiming(); });
  }
  Make(number, std::make_shared<const ReplyTask>(std::move(task)));
} catch (const std::exception&) {  // no memory to hand the work on
  broken_ = true;
}

void Session::EndClaiming() {
  claiming_ = false;
  try {
    ContinueBuilding();
  } catch (const std::exception&) {
    Close();
  }
}

ReplyTask Session::Claim(std::optional<Frame> request) {
  try {
    if (request.has_value()) source_ = service_->Start(std::move(*request));
    if (ReplyTask task = source_->NextTask(); task != nullptr) return task;
  } catch (const std::exception&) {  // no memory even for the reply that says so
    broken_ = true;
  }
  source_.reset();
  return nullptr;
}

void Session::Make(uint64_t number, const std::shared_ptr<const ReplyTask>& task) {
  if (closed_) return;
  try {
    Reply reply =
        (*task)([self = shared_from_this(), number, task] { self->MakeLater(number, task); });
    if (!reply.parked) Deliver(number, Seal(std::move(reply.frame)));
  } catch (const std::exception&) {  // as in Claim
    broken_ = true;
  }
}

void Session::MakeLater(uint64_t number, const std::shared_ptr<const ReplyTask>& task) {
  try {
    asio::post(pool_, [self = shared_from_this(), number, task] { self->Make(number, task); });
  } catch (const std::exception&) {
    broken_ = true;
  }
}

Session::Sealed Session::Seal(Frame frame) {
  reply_bytes_ = frame.body.bytes.size();
  if (shared_ != nullptr) {
    if (std::optional<Frame> place = shared_->Put(frame)) frame = *std::move(place);
  }
  Sealed sealed;
  sealed.header = SealHeader(frame);
  sealed.frame = std::move(frame);
  return sealed;
}

void Session::Deliver(uint64_t number, std::optional<Sealed> reply) {
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), number, reply = std::move(reply)]() mutable {
               try {
                 self->built_.emplace(number, std::move(reply));
               } catch (const std::exception&) {
                 return self->Close();
               }
               if (number == self->next_) self->built_signal_.cancel();
             });
}

Session::Awaitable<std::optional<Session::Sealed>> Session::Built(std::shared_ptr<Session> self) {
  if (!self->built_.contains(self->next_)) self->Enter(Phase::kBuilding);
  while (!self->built_.contains(self->next_)) {
    if (self->closed_) co_return std::nullopt;
    co_await self->built_signal_.async_wait(kAwait);
  }
  std::optional<Sealed> reply = std::move(self->built_.extract(self->next_++).mapped());
  if (reply.has_value()) --self->waiting_;
  self->ContinueBuilding();
  co_return reply;
}

Session::Awaitable<bool> Session::Write(std::shared_ptr<Session> self, Sealed reply) {
  const asio::const_buffer header = asio::buffer(reply.header);
  const asio::const_buffer body =
      asio::buffer(reply.frame.body.bytes.data(), reply.frame.body.bytes.size());
  const size_t total = header.size() + body.size();
  if (self->shared_ != nullptr) {
    self->SetSendBuffer(body.size() < kSmallestSharedBody ? kSmallSendBuffer : kLargeSendBuffer);
  }
  for (size_t sent = 0; sent < total;) {
    if (self->phase_ == Phase::kClosed) co_return false;
    self->Enter(Phase::kWriting);
    const auto [error, count] =
        co_await self->socket_.async_write_some(Remaining(header, body, sent), kAwait);
    if (error) co_return false;
    sent += count;
  }
  co_return self->phase_ != Phase::kClosed;
}

Status Session::PrepareSharing(const Frame& request) {
  AUGSTORE_TRY(FromFrame<ShareMemoryRequest>(request));
  if (!is_unix_) {
    return FailedPrecondition(
        "memory is shared over Unix sockets only: go on without, or connect to one");
  }
  if (shared_ != nullptr) return OkStatus();
  AUGSTORE_ASSIGN(shared_, SharedBodyWriter::Create());
  return OkStatus();
}

Session::Awaitable<bool> Session::ShareMemory(std::shared_ptr<Session> self, Frame request) {
  Status shared = self->PrepareSharing(request);
  if (shared.ok()) {
    const Frame reply = ToFrame(self->shared_->reply(), request.request_id);
    const auto header = SealHeader(reply);
    std::vector<uint8_t> bytes(header.begin(), header.end());
    bytes.insert(bytes.end(), reply.body.bytes.begin(), reply.body.bytes.end());
    shared = SendWithDescriptors(self->socket_.native_handle(), bytes, self->shared_->fds());
    if (shared.ok()) co_return true;
    if (shared.code() == Code::kUnavailable) co_return false;  // in the middle of the reply
    self->shared_.reset();
  }
  Sealed refusal;
  refusal.frame = ErrorFrame(shared, request.request_id);
  refusal.header = SealHeader(refusal.frame);
  const bool written = co_await Write(self, std::move(refusal));
  co_return written;
}

Session::Awaitable<void> Session::SayAndLeave(std::shared_ptr<Session> self, Frame last) {
  Sealed sealed{SealHeader(last), std::move(last)};
  if (co_await Write(self, std::move(sealed))) {
    // To close with unread bytes resets the connection, and the peer would lose the message.
    Error ignored;
    self->socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    self->Enter(Phase::kLingering);
    std::array<uint8_t, kLingerBytes> unread;
    for (bool open = true; open && self->phase_ == Phase::kLingering;) {
      const auto [error, count] =
          co_await self->socket_.async_read_some(asio::buffer(unread), kAwait);
      open = !error;
    }
  }
  self->Close();
}

}  // namespace augstore
