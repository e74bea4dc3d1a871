// The socket server: Boost.Asio coroutines around a Service. One request outstanding per
// connection; while a session writes a frame, a worker builds the next. TCP is the backpressure.
#ifndef AUGSTORE_SERVER_SERVER_H_
#define AUGSTORE_SERVER_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "schemas/base/address.h"
#include "server/service.h"

namespace augstore {

struct ServerOptions {
  std::vector<Address> listen = {};  // at least one; a Unix socket's stale file is replaced
  int workers = 0;                   // threads that build batches; 0: all cores
  uint32_t max_connections = 256;
  std::chrono::milliseconds idle_timeout{300'000};  // no request for this long: closed
  std::chrono::milliseconds write_timeout{
      60'000};  // a peer that takes nothing for this long: closed
};

// Lifecycle: Start, then Stop (or the destructor). Thread safety: Stop may be called from any
// thread.
class Server {
 public:
  // Binds, listens and serves on threads of its own. `service` must outlive the server. Errors:
  // kInvalidArgument (an address that others can reach: keys and TLS do not exist yet),
  // kUnavailable (bind failed, naming the address and the reason).
  static Result<std::unique_ptr<Server>> Start(Service* service, const ServerOptions& options);
  ~Server();
  // Stops accepting, lets requests in flight finish their frame, closes connections, joins all
  // threads. Idempotent.
  void Stop();
  // The addresses bound, with the ports that the system chose.
  const std::vector<Address>& addresses() const;
  uint32_t connections() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVER_H_
