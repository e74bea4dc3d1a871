#include "server/http/http_pages.h"

#include <exception>
#include <utility>

#include "server/metrics/metrics_text.h"

namespace augstore {
namespace {

int HttpStatus(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return 409;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kDataLoss:
    case Code::kInternal:
      break;
  }
  return 500;
}

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

HttpReply ErrorPage(const Status& error) {
  HttpReply reply{.status = HttpStatus(error.code()), .body = std::string(error.message()) + "\n"};
  if (error.code() == Code::kUnauthenticated) {
    reply.headers = {{"WWW-Authenticate", "Bearer realm=\"augstore\""}};
  }
  return reply;
}

HttpReply HttpPages::Answer(const HttpRequest& request, const Principal& caller) const try {
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405,
            .body = "only GET and HEAD are answered here\n",
            .headers = {{"Allow", "GET, HEAD"}}};
  }
  if (request.path == "/healthz") return Health();
  if (request.path == "/readyz") return Readiness();
  if (request.path == "/metrics") return Metrics(caller);
  return ErrorPage(NotFound("there is nothing at this path: see /healthz, /readyz, /metrics"));
} catch (const std::exception&) {
  return ErrorPage(Unavailable("the server has too little memory for an answer: try again later"));
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
