// The socket server: Boost.Asio coroutines around a Service. One thread has all sockets, `workers`
// build replies. A connection has one request outstanding; while its session writes a frame,
// several workers build the next ones, as many as may wait (server/sockets/reply_pipeline.h). So a
// peer that reads slowly slows down its own stream and holds no worker.
#ifndef AUGSTORE_SERVER_SOCKETS_SERVER_H_
#define AUGSTORE_SERVER_SOCKETS_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schemas/base/address.h"
#include "schemas/wire/tls_context.h"
#include "server/service/service.h"

namespace augstore {

struct ServerOptions {
  std::vector<Address> listen = {};  // at least one; the file of a dead Unix socket is replaced
  // TCP without keys: whoever reaches the port may do everything. Else each TCP connection must
  // authenticate, and only this machine can reach it. A Unix socket is for this process' user and
  // root, who may do everything without a key.
  bool insecure = false;
  // Keys that are none, in a minute, after which a host's connections are refused; 0: any number.
  uint32_t max_failed_handshakes = 10;
  std::chrono::milliseconds failed_handshake_pause{1'000};  // before one is answered
  // Of the addresses in tls://, which need certificate and key. `ca`: clients need a certificate
  // from these authorities.
  TlsFiles tls = {};
  int workers = 0;  // threads that build replies; 0: one for each core
  // When so many are there, the one that has waited longest for a request, for `least_idle` at
  // least, makes room for a new one.
  uint32_t max_connections = 256;
  // How many of them one host may have over TCP, where one of its own makes room in the same way;
  // and how many before they have authenticated, of which the oldest is closed for a new one.
  // 0: half of max_connections, and an eighth.
  uint32_t max_host_connections = 0;
  uint32_t max_host_strangers = 0;
  std::chrono::milliseconds least_idle{5'000};
  // A connection is closed after this long without a request, and after this long in which the peer
  // took no bytes of a reply.
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds write_timeout{60'000};
  // A request must have come whole, and a reply have been taken whole (after write_timeout), after
  // this long and a second more for each `least_rate` bytes.
  std::chrono::milliseconds frame_timeout{10'000};
  uint64_t least_rate = 64 << 10;
  // A query or a batch that takes longer is given up with kDeadlineExceeded.
  std::chrono::milliseconds request_timeout{120'000};
};

// Lifecycle: Start, then Stop (or the destructor). Thread safety: Stop may be called from any
// thread.
class Server {
 public:
  // Binds, listens and serves on threads of its own. `service` must outlive the server. Errors:
  // kInvalidArgument (an option; a file of `tls`; an address without TLS that other machines can
  // reach), kUnavailable (an address that cannot be bound, naming it and the reason).
  static Result<std::unique_ptr<Server>> Start(Service* service, const ServerOptions& options);
  ~Server();
  // Stops accepting, lets each connection finish the frame that is being made or written, for a
  // second at most, gives up the rest, closes all connections and joins all threads. Idempotent.
  void Stop();
  // Reads the files of `tls` again, for connections from now on, and returns whose certificate it
  // is and until when it is valid. Errors: kInvalidArgument (the certificate before stays),
  // kFailedPrecondition (no address is in tls://). Any thread.
  Result<std::string> ReloadTls();
  // Where it listens, with the ports that the system chose.
  const std::vector<Address>& addresses() const;
  uint32_t connections() const;
  // Whether the thread that has the sockets did anything in the last three seconds. Any thread, at
  // once.
  bool IsAlive() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_SERVER_H_
