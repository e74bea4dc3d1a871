// Internal to the server folder: requests of the protocol as JSON over HTTP, at /api/v1/ (described
// in docs/http-api.md).
#ifndef AUGSTORE_SERVER_HTTP_HTTP_API_H_
#define AUGSTORE_SERVER_HTTP_HTTP_API_H_

#include <string>
#include <string_view>

#include "schemas/base/cancellation.h"
#include "server/access/principal.h"
#include "server/http/http_message.h"
#include "server/service/service.h"

namespace augstore {

inline constexpr std::string_view kApiPrefix = "/api/v1/";

struct HttpApiOptions {
  std::string images = {};  // folder with the images of samples, by their keys; empty: none
};

// What the service answers to a request whose path begins with kApiPrefix, sent by `caller`
// (Nobody: without a key). POST takes the fields of the message as a JSON object; GET takes them
// from the query, and is for requests that write nothing. Never fails: an error is a reply with
// {"code", "message"}. Takes as long as the request does, and asks `cancellation`. Thread-safe.
HttpReply AnswerApi(Service* service, const HttpApiOptions& options, const HttpRequest& request,
                    const PrincipalPointer& caller, const Cancellation& cancellation);

// How long an answer takes: none that matters, milliseconds, or as long as it is allowed to.
enum class ApiCost { kNothing, kQuick, kLong };
// Of a request at `path`, which begins with kApiPrefix. What is refused for want of a role costs
// nothing.
ApiCost CostOf(const std::string& path, const Principal& caller);

// As HTTP has it, of a Status.
int HttpStatus(Code code);
// {"code", "message"}.
HttpReply ErrorJson(const Status& error);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_API_H_
