#include "server/http/http_pages.h"

#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "server/http/console_files.h"
#include "server/http/http_api.h"
#include "server/metrics/metrics_text.h"
#include "server/sockets/log.h"

namespace augstore {
namespace {

// Metrics count what all collections do.
Status CheckMaySeeAll(const Principal& caller) {
  if (caller.role == Role{}) {
    return Unauthenticated(
        "metrics need a key of role read: send it as 'Authorization: Bearer KEY' (augstore key "
        "create --role read)");
  }
  AUGSTORE_TRY(CheckRole(MessageType::kStatsRequest, caller));
  if (caller.scope.empty()) return OkStatus();
  return PermissionDenied(
      "metrics tell about all collections, and this key has a scope: use one without");
}

HttpReply NotReady(const Status& why) {
  return {.status = 503, .body = "not ready: " + std::string(why.message()) + "\n"};
}

}  // namespace

HttpReply ErrorPage(const Status& error, const std::string& path) {
  if (path.starts_with(kApiPrefix)) return ErrorJson(error);
  HttpReply reply{.status = HttpStatus(error.code()), .body = std::string(error.message()) + "\n"};
  if (error.code() == Code::kUnauthenticated) {
    reply.headers = {{"WWW-Authenticate", "Bearer realm=\"augstore\""}};
  }
  return reply;
}

HttpReply HttpPages::Answer(const HttpRequest& request, const PrincipalPointer& caller,
                            const Cancellation& cancellation) const try {
  HttpReply reply = AnswerPlain(request, caller, cancellation);
  if (request.accepts_gzip) Compress(&reply);
  return reply;
} catch (const std::bad_alloc&) {
  return ErrorPage(Unavailable("the server has too little memory for an answer: try again later"),
                   request.path);
} catch (const std::exception& error) {
  Log().error("{} cannot be answered: {}", request.path.substr(0, 100), error.what());
  return ErrorPage(Internal("the server could not make its answer: its log says why"),
                   request.path);
}

HttpReply HttpPages::AnswerPlain(const HttpRequest& request, const PrincipalPointer& caller,
                                 const Cancellation& cancellation) const {
  if (request.path.starts_with(kApiPrefix)) {
    return AnswerApi(service_, api_, request, caller, cancellation);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405,
            .body = "only GET and HEAD are answered here\n",
            .headers = {{"Allow", "GET, HEAD"}}};
  }
  if (request.path == "/healthz") return Health();
  if (request.path == "/readyz") return Readiness();
  if (request.path == "/metrics") return Metrics(*caller);
  if (std::optional<HttpReply> file = ConsoleFile(request.path, request.accepts_gzip)) {
    return *std::move(file);
  }
  return ErrorPage(
      NotFound("there is nothing at this path: see /, /healthz, /readyz, /metrics, /api/v1/"));
}

bool HttpPages::NeedsKey(const std::string& path) {
  return path == "/metrics" || path.starts_with(kApiPrefix);
}

ApiCost HttpPages::CostOf(const std::string& path, const Principal& caller) {
  return path.starts_with(kApiPrefix) ? augstore::CostOf(path, caller) : ApiCost::kNothing;
}

HttpReply HttpPages::Health() const {
  if (is_alive_()) return {.body = "alive\n"};
  return ErrorPage(
      Unavailable("the server's thread for sockets has done nothing for three seconds"));
}

HttpReply HttpPages::Readiness() const {
  if (!is_alive_()) return NotReady(Unavailable("the sockets are not served"));
  const Status ready = service_->CheckReady();
  return ready.ok() ? HttpReply{.body = "ready\n"} : NotReady(ready);
}

HttpReply HttpPages::Metrics(const Principal& caller) const {
  const Status allowed = CheckMaySeeAll(caller);
  if (!allowed.ok()) {
    service_->NoteRefusal(caller, "Metrics", allowed);
    return ErrorPage(allowed);
  }
  Result<std::string> text = service_->MetricsText();
  if (!text.ok()) return ErrorPage(text.status());
  return {.body = *std::move(text), .type = std::string(kMetricsType)};
}

}  // namespace augstore
