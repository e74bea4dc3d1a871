#include "client/socket_channel.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/wire/descriptor_passing.h"
#include "schemas/wire/messages.h"
#include "schemas/wire/shared_bodies.h"
#include "schemas/wire/tls_connection.h"

namespace augstore {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

std::string Reason(int error) { return std::system_category().message(error); }

// Waits until `fd`, which does not block, is ready for `events`. False: the time is over.
bool WaitFor(int fd, short events, milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    pollfd entry{fd, events, 0};
    const int ready =
        ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 && Clock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return true;  // the next call on fd says why
  }
}

short EventsOf(TlsWait wait) { return wait == TlsWait::kToRead ? POLLIN : POLLOUT; }

class SocketChannel : public Channel {
 public:
  // `tls`: of an address in tls://, over `socket`.
  SocketChannel(Descriptor socket, std::unique_ptr<TlsConnection> tls, const Address& peer,
                milliseconds timeout)
      : socket_(std::move(socket)),
        tls_(std::move(tls)),
        peer_(peer.ToString()),
        timeout_(timeout),
        may_share_(peer.kind == Address::Kind::kUnix),
        reader_(kMaxReplyBytes) {}
  ~SocketChannel() override {
    if (tls_ != nullptr) (void)tls_->Finish();
  }

  Status Send(const Frame& request) override {
    AUGSTORE_TRY(CheckOpen());
    if (may_share_ && request.type == MessageType::kBatchesRequest) {
      AUGSTORE_TRY(ShareMemory(request.request_id));
    }
    return last_words_.has_value() ? OkStatus() : SendFrame(request);
  }

  Result<Frame> Receive() override {
    if (last_words_.has_value()) return *last_words_;
    AUGSTORE_ASSIGN(Frame frame, ReceiveFrame());
    if (frame.type != MessageType::kSharedBodyReply || shared_ == nullptr) return frame;
    Result<Frame> taken = shared_->Take(frame);
    if (!taken.ok()) closed_ = true;
    return taken;
  }

  void Interrupt() override { ::shutdown(socket_.get(), SHUT_RDWR); }

 private:
  Status SendFrame(const Frame& request) {
    const std::array<uint8_t, kFrameHeaderBytes> header = SealHeader(request);
    const std::span<const uint8_t> body = request.body.bytes;
    const size_t total = header.size() + body.size();
    for (size_t sent = 0; sent < total;) {
      const size_t of_header = std::min(sent, header.size());
      AUGSTORE_ASSIGN(const size_t count, SendSome(std::span(header).subspan(of_header),
                                                   body.subspan(sent - of_header)));
      sent += count;
    }
    return OkStatus();
  }

  // Sends a part of both. 0: call again.
  Result<size_t> SendSome(std::span<const uint8_t> header, std::span<const uint8_t> body) {
    constexpr std::string_view kWhat = "take a request";
    if (tls_ != nullptr) {
      const Result<TlsProgress> written = tls_->Write({header, body});
      if (!written.ok()) return Failed(written.status());
      if (written->wait != TlsWait::kNothing) AUGSTORE_TRY(Wait(EventsOf(written->wait), kWhat));
      return written->count;
    }
    iovec parts[] = {{const_cast<uint8_t*>(header.data()), header.size()},
                     {const_cast<uint8_t*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0) AUGSTORE_TRY(WaitAfter(errno, POLLOUT, kWhat));
    return static_cast<size_t>(std::max<ssize_t>(count, 0));
  }

  // Receives up to space.size() bytes. 0: call again.
  Result<size_t> ReceiveSome(std::span<uint8_t> space) {
    constexpr std::string_view kWhat = "reply";
    if (tls_ != nullptr) {
      const Result<TlsProgress> read = tls_->Read(space);
      if (!read.ok()) return Failed(read.status());
      if (read->end) return Ended();
      if (read->wait != TlsWait::kNothing) AUGSTORE_TRY(Wait(EventsOf(read->wait), kWhat));
      return read->count;
    }
    const ssize_t count = ReceiveWithDescriptors(socket_.get(), space, &descriptors_);
    if (count == 0) return Ended();
    if (count < 0) AUGSTORE_TRY(WaitAfter(errno, POLLIN, kWhat));
    return static_cast<size_t>(std::max<ssize_t>(count, 0));
  }

  Result<Frame> ReceiveFrame() {
    for (;;) {
      Result<std::optional<Frame>> next = reader_.Next();
      if (!next.ok()) {
        closed_ = true;
        return next.status().WithContext(fmt::format("a reply of the server at {}", peer_));
      }
      if (next->has_value()) return std::move(**next);
      if (closed_) return Gone("the connection was closed");
      AUGSTORE_ASSIGN(const size_t count, ReceiveSome(reader_.Prepare()));
      reader_.Commit(count);
    }
  }

  // Before the first run, asks a server on this machine to put batches into memory that both see.
  // A server that shares none, or shares enough already, and one behind a proxy that passes no
  // descriptors on, send batches through the socket.
  Status ShareMemory(uint32_t request_id) {
    may_share_ = false;
    AUGSTORE_TRY(SendFrame(ToFrame(ShareMemoryRequest{}, request_id)));
    AUGSTORE_ASSIGN(Frame frame, ReceiveFrame());
    if (frame.request_id == 0) {  // an error of the connection, so the run's reply as well
      last_words_ = std::move(frame);
      return OkStatus();
    }
    const auto reply = FromFrame<ShareMemoryReply>(frame);
    if (!reply.ok() || descriptors_[0].get() < 0) return OkStatus();
    auto shared = SharedBodyReader::Open(*reply, descriptors_[0], descriptors_[1]);
    descriptors_ = {};
    if (!shared.ok()) {
      closed_ = true;
      return shared.status().WithContext(fmt::format("a reply of the server at {}", peer_));
    }
    shared_ = *std::move(shared);
    return OkStatus();
  }

  Status Gone(std::string_view why) const {
    return Unavailable("the server at {} is gone: {}: try again when it is back", peer_, why);
  }

  Status Ended() {
    closed_ = true;
    return Gone(reader_.InFrame() ? "it closed the connection in the middle of a reply"
                                  : "it closed the connection");
  }

  // After an error of TLS.
  Status Failed(const Status& why) {
    closed_ = true;
    if (why.code() == Code::kUnavailable) return Gone(why.message());
    return why.WithContext(fmt::format("the server at {}", peer_));
  }

  // Notices that the server closed an idle connection. A request sent into it would be lost, and
  // many requests may not be sent twice.
  Status CheckOpen() {
    if (tls_ != nullptr) {
      const Result<bool> ended = tls_->IsAtEnd();
      if (!ended.ok()) return Failed(ended.status());
      if (*ended) closed_ = true;
      return closed_ ? Gone("the connection was closed") : OkStatus();
    }
    uint8_t byte = 0;
    const ssize_t count = ::recv(socket_.get(), &byte, 1, MSG_PEEK);
    if (count == 0) closed_ = true;
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) closed_ = true;
    return closed_ ? Gone("the connection was closed") : OkStatus();
  }

  // After a call that failed with `error`: ok when it may be repeated, as the socket is ready now.
  Status WaitAfter(int error, short events, std::string_view what) {
    if (error == EINTR) return OkStatus();
    if (error != EAGAIN && error != EWOULDBLOCK) {
      closed_ = true;
      return Gone(Reason(error));
    }
    return Wait(events, what);
  }

  Status Wait(short events, std::string_view what) {
    if (WaitFor(socket_.get(), events, timeout_)) return OkStatus();
    closed_ = true;
    return DeadlineExceeded(
        "the server at {} did not {} for {} ms: allow more time, or check its load", peer_, what,
        timeout_.count());
  }

  const Descriptor socket_;
  const std::unique_ptr<TlsConnection> tls_;  // null: plain
  const std::string peer_;
  const milliseconds timeout_;
  bool may_share_;  // memory, and has not asked for it yet
  FrameReader reader_;
  std::array<Descriptor, 2> descriptors_;  // received last
  std::shared_ptr<SharedBodyReader> shared_;
  std::optional<Frame> last_words_;  // why the server closes the connection
  bool closed_ = false;
};

// 0, or the errno that says why there is no connection.
int Connect(int fd, const sockaddr* endpoint, socklen_t size, milliseconds timeout) {
  if (fd < 0) return errno;
  if (::connect(fd, endpoint, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!WaitFor(fd, POLLOUT, timeout)) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

Status NoServerAt(const Address& address, std::string_view why) {
  return Unavailable(
      "no augstore server answers at {}: {}: start one there (augstore serve), or correct the "
      "address",
      address.ToString(), why);
}

Result<Descriptor> ConnectUnix(const Address& address, milliseconds timeout) {
  sockaddr_un endpoint{};
  endpoint.sun_family = AF_UNIX;
  if (address.path.empty() || address.path.size() >= sizeof endpoint.sun_path) {
    return InvalidArgument("'{}' cannot be the path of a Unix socket: use one of 1 to {} bytes",
                           address.path, sizeof endpoint.sun_path - 1);
  }
  std::memcpy(endpoint.sun_path, address.path.data(), address.path.size());
  Descriptor socket(::socket(AF_UNIX, kSocketFlags, 0));
  const int error =
      Connect(socket.get(), reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint, timeout);
  if (error != 0) return NoServerAt(address, Reason(error));
  return socket;
}

Result<Descriptor> ConnectTcp(const Address& address, milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) return NoServerAt(address, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Descriptor socket(::socket(entry->ai_family, kSocketFlags, 0));
    error = Connect(socket.get(), entry->ai_addr, entry->ai_addrlen, timeout);
    if (error != 0) continue;
    // A request is small and the client waits for its reply: holding it back gains nothing.
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
  }
  return NoServerAt(address, Reason(error));
}

void FillFromEnvironment(const char* variable, std::string* path) {
  const char* const value = std::getenv(variable);
  if (path->empty() && value != nullptr) *path = value;
}

Result<std::unique_ptr<TlsConnection>> ConnectTls(const Address& address, int socket,
                                                  const SocketOptions& options) {
  TlsFiles files = options.tls;
  FillFromEnvironment("AUGSTORE_TLS_CA", &files.ca);
  FillFromEnvironment("AUGSTORE_TLS_CERT", &files.certificate);
  FillFromEnvironment("AUGSTORE_TLS_KEY", &files.key);
  AUGSTORE_ASSIGN(const auto context, TlsContext::ForClient(files));
  auto tls = std::make_unique<TlsConnection>(*context, socket, address.host);
  const Clock::time_point deadline = Clock::now() + options.connect_timeout;
  for (;;) {
    const Result<TlsWait> wait = tls->Handshake();
    if (!wait.ok() && wait.status().code() == Code::kUnavailable) {
      return NoServerAt(address, wait.status().message());
    }
    if (!wait.ok()) {
      return wait.status().WithContext(fmt::format("the server at {}", address.ToString()));
    }
    if (*wait == TlsWait::kNothing) return tls;
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || !WaitFor(socket, EventsOf(*wait), left)) {
      return NoServerAt(address, fmt::format("its TLS handshake took longer than {} ms",
                                             options.connect_timeout.count()));
    }
  }
}

}  // namespace

Result<std::unique_ptr<Channel>> ConnectSocket(const Address& address,
                                               const SocketOptions& options) {
  AUGSTORE_ASSIGN(Descriptor socket, address.kind == Address::Kind::kUnix
                                         ? ConnectUnix(address, options.connect_timeout)
                                         : ConnectTcp(address, options.connect_timeout));
  std::unique_ptr<TlsConnection> tls;
  if (address.kind == Address::Kind::kTls) {
    AUGSTORE_ASSIGN(tls, ConnectTls(address, socket.get(), options));
  }
  return std::unique_ptr<Channel>(std::make_unique<SocketChannel>(std::move(socket), std::move(tls),
                                                                  address, options.io_timeout));
}

}  // namespace augstore
