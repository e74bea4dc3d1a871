#include "server/sockets/transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace augstore {
namespace {

namespace asio = boost::asio;

// Failures are values, not exceptions.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr uint8_t kFirstOfFrames = 'A';  // TLS begins with another byte
constexpr size_t kDiscardBytes = 4096;

bool IsUnix(int socket) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace

Transport::Transport(Socket socket, std::shared_ptr<const TlsContext> tls)
    : socket_(std::move(socket)),
      is_unix_(IsUnix(socket_.native_handle())),
      context_(std::move(tls)) {
  if (context_ == nullptr) return;
  socket_.native_non_blocking(true);
  tls_ = std::make_unique<TlsConnection>(*context_, socket_.native_handle());
}

Transport::Awaitable<Transport::Error> Transport::WaitFor(TlsWait wait) {
  const auto kind =
      wait == TlsWait::kToRead ? asio::socket_base::wait_read : asio::socket_base::wait_write;
  const auto [error] = co_await socket_.async_wait(kind, kAwait);
  if (error) co_return error;
  co_return socket_.is_open() ? Error() : asio::error::operation_aborted;
}

Transport::Awaitable<Status> Transport::Handshake() {
  if (!is_tls()) co_return OkStatus();
  Error error = co_await WaitFor(TlsWait::kToRead);
  if (error) co_return Unavailable("the connection was closed");
  uint8_t first = 0;
  if (::recv(native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == kFirstOfFrames) {
    tls_.reset();
    co_return InvalidArgument("this address speaks TLS: write tls:// instead of tcp://");
  }
  for (;;) {
    const Result<TlsWait> wait = tls_->Handshake();
    if (!wait.ok()) co_return wait.status();
    if (*wait == TlsWait::kNothing) co_return OkStatus();
    error = co_await WaitFor(*wait);
    if (error) co_return Unavailable("the connection was closed");
  }
}

Transport::Awaitable<Transport::Passed> Transport::ReadSome(std::span<uint8_t> space) {
  return is_tls() ? ReadTls(space) : ReadPlain(space);
}

Transport::Awaitable<Transport::Passed> Transport::ReadPlain(std::span<uint8_t> space) {
  return socket_.async_read_some(asio::buffer(space.data(), space.size()), kAwait);
}

Transport::Awaitable<Transport::Passed> Transport::ReadTls(std::span<uint8_t> space) {
  // Others have their turn first: what has come already is read without a wait.
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  while (socket_.is_open()) {
    const Result<TlsProgress> read = tls_->Read(space);
    if (!read.ok()) co_return Passed(asio::error::connection_aborted, 0);
    if (read->end) co_return Passed(asio::error::eof, 0);
    if (read->count > 0) co_return Passed(Error(), read->count);
    const Error error = co_await WaitFor(read->wait);
    if (error) co_return Passed(error, 0);
  }
  co_return Passed(asio::error::operation_aborted, 0);
}

Transport::Awaitable<Transport::Passed> Transport::WriteSome(std::span<const uint8_t> header,
                                                             std::span<const uint8_t> body) {
  if (is_tls()) return WriteTls({header, body});
  const std::array<asio::const_buffer, 2> both = {asio::buffer(header.data(), header.size()),
                                                  asio::buffer(body.data(), body.size())};
  return socket_.async_write_some(both, kAwait);
}

Transport::Awaitable<Transport::Passed> Transport::WriteTls(
    std::array<std::span<const uint8_t>, 2> parts) {
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  while (socket_.is_open()) {
    const Result<TlsProgress> written = tls_->Write(parts);
    if (!written.ok()) co_return Passed(asio::error::connection_aborted, 0);
    if (written->wait == TlsWait::kNothing) co_return Passed(Error(), written->count);
    const Error error = co_await WaitFor(written->wait);
    if (error) co_return Passed(error, 0);
  }
  co_return Passed(asio::error::operation_aborted, 0);
}

Transport::Awaitable<void> Transport::FinishSending() {
  while (is_tls() && socket_.is_open()) {
    const Result<TlsWait> wait = tls_->Finish();
    if (!wait.ok() || *wait == TlsWait::kNothing) break;
    const Error error = co_await WaitFor(*wait);
    if (error) break;
  }
  Error ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

Transport::Awaitable<void> Transport::DiscardRest() {
  std::array<uint8_t, kDiscardBytes> unread;
  while (socket_.is_open()) {
    const auto [error, count] = co_await ReadPlain(unread);
    if (error) break;
  }
}

void Transport::Close() {
  if (is_tls() && socket_.is_open()) (void)tls_->Finish();
  Error ignored;
  socket_.close(ignored);
}

// Asks for the end of the peer's bytes without taking those before it.
bool Transport::PeerIsGone() {
  pollfd entry{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace augstore
