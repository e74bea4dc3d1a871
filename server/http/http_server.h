// The HTTP listener of a server: health and metrics, on a thread of its own, so that it answers
// while the server is busy.
#ifndef AUGSTORE_SERVER_HTTP_HTTP_SERVER_H_
#define AUGSTORE_SERVER_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schemas/base/address.h"
#include "schemas/wire/tls_context.h"
#include "server/http/http_pages.h"
#include "server/http/http_session.h"

namespace augstore {

struct HttpOptions {
  std::vector<Address> listen = {};  // tcp:// is HTTP, tls:// HTTPS; unix:// needs no key
  bool insecure = false;             // as of ServerOptions
  uint32_t max_failed_handshakes = 10;
  TlsFiles tls = {};
  HttpApiOptions api = {};
  // When so many are there, one makes room for another: one that leaves, else the oldest of those
  // that got no answer yet, else the one that is idle longest, strangers first. A host over TCP has
  // half of them at most, and one of its own makes room.
  size_t max_connections = 64;
  HttpLimits limits = {};
};

// Lifecycle: Start, then Stop (or the destructor). Thread safety: Stop may be called from any
// thread.
class HttpServer {
 public:
  // Binds, listens and serves. `service` must outlive the server. Errors: as Server::Start.
  static Result<std::unique_ptr<HttpServer>> Start(Service* service, HttpPages::IsAlive is_alive,
                                                   const HttpOptions& options);
  ~HttpServer();
  // Closes all connections and joins the thread. Idempotent.
  void Stop();
  // As Server::ReloadTls.
  Result<std::string> ReloadTls();
  // With the ports that the system chose.
  const std::vector<Address>& addresses() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_SERVER_H_
