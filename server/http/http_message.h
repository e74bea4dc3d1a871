// Internal to the server folder: requests and replies of HTTP/1.1 (RFC 9112), as far as a server
// without uploads needs them.
#ifndef AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_
#define AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// The request line and all headers together.
inline constexpr size_t kMostHttpHeadBytes = 8192;

struct HttpRequest {
  std::string method;
  std::string path;  // before the '?'
  std::string key;   // of "Authorization: Bearer KEY"; empty: none
  bool keep_alive = false;
};

// `head` ends in the empty line. Errors: kInvalidArgument (no HTTP, a request with a body, or for
// what is not a path here).
Result<HttpRequest> ParseHttpHead(std::string_view head);

// Cuts the bytes of a connection into requests. Thread safety: none.
class HttpReader {
 public:
  void Add(std::string_view bytes) { bytes_ += bytes; }
  // The next request; nothing before it is whole. Errors: those of ParseHttpHead;
  // kResourceExhausted (a head of more than kMostHttpHeadBytes). After an error, where the next
  // request begins is not known.
  Result<std::optional<HttpRequest>> Next();
  // Whether a part of a request has come.
  bool in_request() const { return !bytes_.empty(); }

 private:
  std::string bytes_;
};

struct HttpReply {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};
// As it is sent; without the body, if the request was for the head alone.
std::string ToText(const HttpReply& reply, bool keep_alive, bool head_only);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_
