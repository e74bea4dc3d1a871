// Internal to the server folder: the bytes of one connection, plain or in TLS, for the socket
// thread.
#ifndef AUGSTORE_SERVER_SOCKETS_TRANSPORT_H_
#define AUGSTORE_SERVER_SOCKETS_TRANSPORT_H_

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>

#include "schemas/base/status.h"
#include "schemas/wire/tls_connection.h"

namespace augstore {

// One coroutine at a time may use it; Close may come from any other on the same thread, and ends
// its wait.
class Transport {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  // Why it failed, and how many bytes passed. No error with 0 bytes: the peer took a part, and the
  // call is to be repeated.
  using Passed = std::tuple<boost::system::error_code, size_t>;

  // Without `tls` it is plain.
  Transport(Socket socket, std::shared_ptr<const TlsContext> tls);

  // Before anything else; plain connections have none. Errors: kUnavailable (the peer left), else
  // kInvalidArgument. After an error of a peer that does not try to speak TLS, but frames, the
  // connection is plain, so that it can be told.
  Awaitable<Status> Handshake();
  Awaitable<Passed> ReadSome(std::span<uint8_t> space);
  // A part of both, as if they were one.
  Awaitable<Passed> WriteSome(std::span<const uint8_t> header, std::span<const uint8_t> body);
  // Tells the peer that no more comes. Then only what follows may be called.
  Awaitable<void> FinishSending();
  // Takes what the peer still sends, to its end.
  Awaitable<void> DiscardRest();
  // Also tells the peer, if that needs no wait.
  void Close();
  // True: the peer has closed the connection, or its sending half.
  bool PeerIsGone();

  bool is_tls() const { return tls_ != nullptr; }
  bool is_unix() const { return is_unix_; }
  int native_handle() { return socket_.native_handle(); }
  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  using Error = boost::system::error_code;
  Awaitable<Passed> ReadPlain(std::span<uint8_t> space);
  Awaitable<Passed> ReadTls(std::span<uint8_t> space);
  Awaitable<Passed> WriteTls(std::array<std::span<const uint8_t>, 2> parts);
  // Until the socket is ready. Then it is open, or there is an error.
  Awaitable<Error> WaitFor(TlsWait wait);

  Socket socket_;
  const bool is_unix_;
  const std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<TlsConnection> tls_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_TRANSPORT_H_
