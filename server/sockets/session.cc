#include "server/sockets/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <utility>
#include <vector>

#include "schemas/base/limits.h"
#include "schemas/wire/descriptor_passing.h"
#include "schemas/wire/messages.h"
#include "server/access/access.h"
#include "server/sockets/log.h"
#include "server/sockets/peer.h"
#include "server/sockets/run_clock.h"

namespace augstore {
namespace {

namespace asio = boost::asio;

// Failures are values, not exceptions.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Requests from here on are counted in the budget of memory: their bodies, and what is decoded from
// them.
constexpr size_t kSmallRequest = 64 << 10;
constexpr uint64_t kRequestCopies = 2;
// Of a peer that has not said who it is, no more is taken.
constexpr size_t kMostHandshake = 4096;
constexpr std::chrono::milliseconds kMemoryPause{20};
// How long a peer may take nothing of its reply while others wait for memory.
constexpr std::chrono::milliseconds kMostHold{1'000};
constexpr std::chrono::milliseconds kMostHoldBuilt{5'000};
// A batch goes to the kernel in one call, instead of waking the socket thread for each part of it.
// TCP sizes its buffers by itself, and stops doing so when a size is set. The kernel may allow
// less.
constexpr int kLargeSendBuffer = 2 << 20;
// For frames that only name a place in shared memory: the least that the kernel takes, about six of
// them. A reply that was sent and not read yet keeps its slot, and there are few more slots.
constexpr int kSmallSendBuffer = 1;

Status NeedsKey() {
  return Unauthenticated(
      "this server demands a key: give --key-file FILE, or set AUGSTORE_KEY_FILE or AUGSTORE_KEY; "
      "its operator makes one with `augstore key create`");
}

}  // namespace

Session::Session(Transport transport, Service* service, Pools pools, const SessionLimits& limits,
                 Caller caller)
    : transport_(std::move(transport)),
      service_(service),
      pools_(std::move(pools)),
      limits_(limits),
      caller_(std::move(caller)),
      replies_(
          std::make_shared<ReplyPipeline>(transport_.executor(), limits.workers, limits.reply)),
      reader_(kMaxRequestBytes, Sender::kClient),
      deadlines_(transport_.executor(), limits) {
  SetSendBuffer(kLargeSendBuffer);
}

void Session::SetSendBuffer(int bytes) {
  if (!transport_.is_unix() || send_buffer_ == bytes) return;
  send_buffer_ = bytes;
  ::setsockopt(transport_.native_handle(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

bool Session::HoldsWhatOthersNeed() const {
  const auto held = deadlines_.SinceProgress();
  const Phase phase = deadlines_.phase();
  // Replies that were made while the one before them waits for memory hold it from others, too.
  const bool holds = (phase == Phase::kWriting && held > kMostHold) ||
                     (phase == Phase::kBuilding && held > kMostHoldBuilt && replies_->holds_any());
  return holds && service_->memory().is_short();
}

std::optional<Session::Clock::time_point> Session::idle_since() const {
  if (deadlines_.phase() != Phase::kReading || reader_.InFrame()) return std::nullopt;
  return deadlines_.waiting_since();
}

void Session::Close() {
  deadlines_.Close();
  transport_.Close();
  replies_->Close();
}

void Session::Stop() {
  deadlines_.Stop();
  const Phase phase = deadlines_.phase();
  if (phase == Phase::kWriting || phase == Phase::kBuilding) {
    deadlines_.Enter(phase);
  } else if (phase != Phase::kClosed) {
    Close();
  }
}

Session::Awaitable<void> Session::Watch(std::shared_ptr<Session> self) {
  SessionDeadlines& deadlines = self->deadlines_;
  while (!deadlines.is_closed()) {
    const bool abandoned = deadlines.phase() == Phase::kBuilding && self->transport_.PeerIsGone();
    if (self->replies_->broken() || abandoned || self->HoldsWhatOthersNeed() ||
        deadlines.is_over()) {
      self->Close();
      break;
    }
    co_await deadlines.Nap();
  }
}

Session::Awaitable<void> Session::Serve(std::shared_ptr<Session> self) {
  asio::co_spawn(self->transport_.executor(), Watch(self), asio::detached);
  try {
    const bool is_ready = co_await Handshake(self);
    if (is_ready) co_await ServeRequests(self);
  } catch (const std::exception& error) {
    Log().error("a connection is closed: {}", error.what());
  }
  self->Close();
}

Session::Awaitable<void> Session::Refuse(std::shared_ptr<Session> self, Frame reason) {
  asio::co_spawn(self->transport_.executor(), Watch(self), asio::detached);
  const bool is_ready = co_await Handshake(self);
  if (!is_ready) {
    self->Close();
    co_return;
  }
  co_await WriteLast(self, std::move(reason));
}

Session::Awaitable<bool> Session::Handshake(std::shared_ptr<Session> self) {
  if (!self->transport_.is_tls()) co_return true;
  self->deadlines_.Enter(Phase::kHandshaking);
  const Status done = co_await self->transport_.Handshake();
  if (self->is_closed()) {
    if (!self->deadlines_.is_over()) co_return false;  // it was closed for another reason
    WarnOfPeer(fmt::format("{} is closed: its TLS handshake took too long", self->caller_.peer));
    co_return false;
  }
  if (done.ok()) co_return true;
  if (done.code() == Code::kUnavailable) co_return false;  // the peer left by itself
  WarnOfPeer(fmt::format("{} is closed: its TLS handshake failed: {}", self->caller_.peer,
                         done.message()));
  if (self->transport_.is_tls()) {
    co_await Linger(self);
  } else {
    co_await WriteLast(self, ErrorFrame(done, 0));
  }
  co_return false;
}

Session::Awaitable<void> Session::ServeRequests(std::shared_ptr<Session> self) {
  while (!self->deadlines_.stopping()) {
    Status refusal;
    try {
      Result<std::optional<Frame>> request = co_await Read(self);
      if (request.ok()) {
        if (!request->has_value()) co_return;
        const bool usable = co_await Dispatch(self, std::move(**request));
        if (!usable) co_return;
      } else {
        refusal = request.status();
      }
    } catch (const std::bad_alloc&) {
      refusal = ResourceExhausted(
          "the server has too little memory for a request of this size: send less at once");
    }
    if (self->is_closed()) co_return;
    if (!refusal.ok()) {
      WarnOfPeer("a connection is closed: " + refusal.ToString());
      co_await WriteLast(self, ErrorFrame(refusal, 0));
      co_return;
    }
  }
}

Session::Awaitable<Result<std::optional<Frame>>> Session::Read(std::shared_ptr<Session> self) {
  self->deadlines_.AwaitRequest();
  for (;;) {
    Result<std::optional<Frame>> next = self->reader_.Next();
    if (!next.ok() || next->has_value()) co_return next;
    const std::span<uint8_t> space = self->reader_.Prepare();
    self->deadlines_.EnterReading(self->reader_.InFrame(), self->is_stranger());
    const auto [error, count] = co_await self->transport_.ReadSome(space);
    if (error || self->is_closed()) co_return std::optional<Frame>();
    if (!self->reader_.InFrame()) self->deadlines_.BeginFrame(0);
    self->deadlines_.Receive(count);
    self->reader_.Commit(count);
    if (self->caller_.principal == nullptr && self->reader_.body_bytes() > kMostHandshake) {
      co_return NeedsKey();
    }
    if (self->reader_.body_bytes() > kSmallRequest && !self->request_memory_.has_value()) {
      const Status taken = co_await TakeRequestMemory(self);
      if (!taken.ok()) co_return taken;
    }
  }
}

Session::Awaitable<Status> Session::TakeRequestMemory(std::shared_ptr<Session> self) {
  MemoryBudget& memory = self->service_->memory();
  const uint64_t bytes = kRequestCopies * self->reader_.body_bytes();
  const Status fits = memory.CheckFits(bytes, "the request");
  if (!fits.ok()) co_return fits;
  asio::steady_timer pause(self->transport_.executor());
  const Clock::time_point patience = Clock::now() + self->limits_.frame / 2;
  for (;;) {
    std::optional<MemoryBudget::Share> share = memory.Take(bytes);
    if (share.has_value()) {
      self->request_memory_.emplace(*std::move(share));
      self->deadlines_.RestartFrame();
      co_return OkStatus();
    }
    if (self->is_closed() || Clock::now() > patience) break;
    pause.expires_after(kMemoryPause);
    co_await pause.async_wait(kAwait);
  }
  co_return ResourceExhausted(
      "the server has {} MiB for requests and replies, and too little of it was free for {} s: try "
      "again later, or send less at once",
      memory.total() >> 20,
      std::chrono::duration_cast<std::chrono::seconds>(self->limits_.frame / 2).count());
}

Session::Awaitable<bool> Session::Dispatch(std::shared_ptr<Session> self, Frame request) {
  bool usable = false;
  if (request.type == MessageType::kAuthenticateRequest) {
    usable = co_await Authenticate(self, std::move(request));
  } else if (self->caller_.principal == nullptr) {
    usable = co_await RefuseRequest(self, NeedsKey(), request.request_id);
  } else if (request.type == MessageType::kShareMemoryRequest) {
    usable = co_await ShareMemory(self, std::move(request));
  } else if (request.type == MessageType::kSetTraceRequest) {
    usable = co_await ServeSetTrace(self, std::move(request));
  } else {
    usable = co_await Answer(self, std::move(request));
  }
  co_return usable;
}

Session::Awaitable<bool> Session::Authenticate(std::shared_ptr<Session> self, Frame request) {
  Result<Service::Admission> admitted = self->service_->Authenticate(request, self->caller_.peer);
  if (admitted.ok()) {
    self->caller_.principal = std::move(admitted->caller);
    const bool written = co_await Write(self, Seal(std::move(admitted->reply)));
    co_return written;
  }
  const Code code = admitted.status().code();
  if (code == Code::kUnauthenticated || code == Code::kInvalidArgument) {
    self->caller_.handshake_failed();
  }
  self->deadlines_.Enter(Phase::kBuilding);
  asio::steady_timer pause(self->transport_.executor(), self->limits_.failed_handshake);
  co_await pause.async_wait(kAwait);
  const bool usable = co_await RefuseRequest(self, admitted.status(), request.request_id);
  co_return usable;
}

Session::Awaitable<bool> Session::RefuseRequest(std::shared_ptr<Session> self, Status why,
                                                uint32_t id) {
  WarnOfPeer(fmt::format("{} is refused: {}", self->caller_.peer, why.ToString()));
  self->service_->NoteRefusal(Nobody(self->caller_.peer), "Connect", why);
  if (!self->is_closed()) co_await WriteLast(self, ErrorFrame(why, id));
  co_return false;
}

Session::Awaitable<bool> Session::Answer(std::shared_ptr<Session> self, Frame request) {
  // Given back when the last reply was made and written.
  const std::optional<MemoryBudget::Share> memory =
      std::exchange(self->request_memory_, std::nullopt);
  ReplyPipeline& replies = *self->replies_;
  const bool is_quick = Service::IsQuick(request.type);
  RequestTracePointer trace;
  if (self->trace_.is_set()) {
    trace = self->trace_.Begin(OperationName(request.type), self->service_->spans());
  }
  const TraceEnd end_of_trace(trace);
  std::unique_ptr<ReplySource> source =
      self->service_->Start(std::move(request), self->caller_.principal, trace);
  RunClock clock(&self->service_->metrics(), source->stream(), trace.get());
  replies.Start(std::move(source), is_quick ? self->pools_.quick : self->pools_.slow);
  for (;;) {
    if (!replies.Ready()) self->deadlines_.Enter(Phase::kBuilding);
    std::optional<SealedFrame> reply = co_await replies.Next();
    clock.WaitedForServer();
    if (!reply.has_value()) co_return !replies.broken() && !self->is_closed();
    if (trace != nullptr && reply->frame.type == MessageType::kErrorReply) {
      trace->Fail(ExpectType(reply->frame, MessageType::kEndReply));
    }
    const bool written = co_await Write(self, *std::move(reply));
    clock.WaitedForClient();
    // The frame in flight is the last one of a server that stops.
    if (!written || self->deadlines_.stopping()) co_return false;
  }
}

Session::Awaitable<bool> Session::Write(std::shared_ptr<Session> self, SealedFrame reply) {
  const std::span<const uint8_t> header = reply.header;
  const std::span<const uint8_t> body = reply.frame.body.bytes;
  const size_t total = header.size() + body.size();
  self->deadlines_.BeginFrame(total);
  if (self->replies_->shared() != nullptr) {
    self->SetSendBuffer(body.size() < kSmallestSharedBody ? kSmallSendBuffer : kLargeSendBuffer);
  }
  for (size_t sent = 0; sent < total;) {
    if (self->is_closed()) co_return false;
    self->deadlines_.Enter(Phase::kWriting);
    const size_t of_header = std::min(sent, header.size());
    const auto [error, count] = co_await self->transport_.WriteSome(header.subspan(of_header),
                                                                    body.subspan(sent - of_header));
    if (error) co_return false;
    sent += count;
    self->deadlines_.Progress();
  }
  co_return !self->is_closed();
}

Status Session::PrepareSharing(const Frame& request) {
  AUGSTORE_TRY(CheckRole(request.type, *caller_.principal));
  AUGSTORE_TRY(FromFrame<ShareMemoryRequest>(request));
  if (!transport_.is_unix()) {
    return FailedPrecondition(
        "memory is shared over Unix sockets only: go on without, or connect to one");
  }
  if (replies_->shared() != nullptr) return OkStatus();
  AUGSTORE_ASSIGN(std::unique_ptr<SharedBodyWriter> bodies, SharedBodyWriter::Create());
  replies_->ShareBodies(std::move(bodies));
  return OkStatus();
}

Session::Awaitable<bool> Session::ShareMemory(std::shared_ptr<Session> self, Frame request) {
  ReplyPipeline& replies = *self->replies_;
  Status shared = self->PrepareSharing(request);
  if (shared.ok()) {
    const SealedFrame reply = Seal(ToFrame(replies.shared()->reply(), request.request_id));
    std::vector<uint8_t> bytes(reply.header.begin(), reply.header.end());
    bytes.insert(bytes.end(), reply.frame.body.bytes.begin(), reply.frame.body.bytes.end());
    shared = SendWithDescriptors(self->transport_.native_handle(), bytes, replies.shared()->fds());
    if (shared.ok()) co_return true;
    if (shared.code() == Code::kUnavailable) co_return false;  // in the middle of the reply
    replies.ShareBodies(nullptr);
  }
  if (IsRefusal(shared)) {
    self->service_->NoteRefusal(*self->caller_.principal, "ShareMemory", shared);
  }
  const bool written = co_await Write(self, Seal(ErrorFrame(shared, request.request_id)));
  co_return written;
}

Status Session::SetTrace(const Frame& request) {
  AUGSTORE_TRY(CheckRole(request.type, *caller_.principal));
  AUGSTORE_ASSIGN(const SetTraceRequest message, FromFrame<SetTraceRequest>(request));
  OwnEnd here = OwnEndOf(transport_.native_handle());
  return trace_.Set(message.traceparent, std::move(here.address), here.port);
}

Session::Awaitable<bool> Session::ServeSetTrace(std::shared_ptr<Session> self, Frame request) {
  const Status set = self->SetTrace(request);
  if (IsRefusal(set)) self->service_->NoteRefusal(*self->caller_.principal, "SetTrace", set);
  // GCC 12 would make both frames of a choice within the co_await.
  Frame reply =
      set.ok() ? ToFrame(EndReply{}, request.request_id) : ErrorFrame(set, request.request_id);
  const bool written = co_await Write(self, Seal(std::move(reply)));
  co_return written;
}

Session::Awaitable<void> Session::WriteLast(std::shared_ptr<Session> self, Frame last) {
  const bool written = co_await Write(self, Seal(std::move(last)));
  if (written) co_await Linger(self);
  self->Close();
}

Session::Awaitable<void> Session::Linger(std::shared_ptr<Session> self) {
  // Closing a socket that has unread bytes resets the connection, and the peer would lose what was
  // written last.
  self->deadlines_.Enter(Phase::kLingering);
  co_await self->transport_.FinishSending();
  co_await self->transport_.DiscardRest();
}

}  // namespace augstore
