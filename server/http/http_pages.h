// Internal to the server folder: what the HTTP listener answers, without sockets.
#ifndef AUGSTORE_SERVER_HTTP_HTTP_PAGES_H_
#define AUGSTORE_SERVER_HTTP_HTTP_PAGES_H_

#include <functional>

#include "schemas/base/cancellation.h"
#include "server/access/principal.h"
#include "server/http/http_api.h"
#include "server/http/http_message.h"
#include "server/service/service.h"

namespace augstore {

// The path, who may read it:
//   /          anybody   the console, whose files ask the API with the key of who looks at it
//   /healthz   anybody   200 while the threads of the server answer
//   /readyz    anybody   200 while it also takes writes and has room for more, else 503 and why
//   /metrics   role read without a scope, as it counts what all collections do
//   /api/v1/   http_api.h: each request as over the other listeners
class HttpPages {
 public:
  // Whether the server's sockets are served. Must not wait.
  using IsAlive = std::function<bool()>;

  // `service` must outlive the pages.
  HttpPages(Service* service, IsAlive is_alive, HttpApiOptions api = {})
      : service_(service), is_alive_(std::move(is_alive)), api_(std::move(api)) {}
  // Whether what is at `path` depends on who asks.
  static bool NeedsKey(const std::string& path);
  // What is not kNothing is not to be answered on the thread of the sockets.
  static ApiCost CostOf(const std::string& path, const Principal& caller);
  // Never fails. `caller` has no role (Nobody) when the request came without a key. Thread-safe.
  HttpReply Answer(const HttpRequest& request, const PrincipalPointer& caller,
                   const Cancellation& cancellation) const;

 private:
  HttpReply AnswerPlain(const HttpRequest& request, const PrincipalPointer& caller,
                        const Cancellation& cancellation) const;
  HttpReply Health() const;
  HttpReply Readiness() const;
  HttpReply Metrics(const Principal& caller) const;

  Service* const service_;
  const IsAlive is_alive_;
  const HttpApiOptions api_;
};

// The reply that stands for an error at `path`: JSON below kApiPrefix, else text.
HttpReply ErrorPage(const Status& error, const std::string& path = "");

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_PAGES_H_
