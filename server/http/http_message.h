// Internal to the server folder: requests and replies of HTTP/1.1 (RFC 9112), as far as a server
// without large uploads needs them.
#ifndef AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_
#define AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// The request line and all headers together.
inline constexpr size_t kMostHttpHeadBytes = 8192;
inline constexpr size_t kMostHttpBodyBytes = 65536;

struct HttpRequest {
  std::string method;
  std::string path;  // before the '?', as it was sent
  // After it, decoded; of a name that comes twice the last.
  std::map<std::string, std::string> query = {};
  std::string host = {};  // with its port
  std::string key;        // of "Authorization: Bearer KEY"; empty: none
  std::string content_type = {};
  size_t body_bytes = 0;  // that follow the head
  std::string body = {};
  bool accepts_gzip = false;
  bool keep_alive = false;
};

// What `head`, which ends in the empty line, says; the body is not in it. Errors: kInvalidArgument
// (no HTTP, a body of no stated or too great a size, or for what is not a path here).
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
  bool in_request() const { return head_.has_value() || !bytes_.empty(); }

 private:
  // Nothing before the body of `head_` is whole.
  std::optional<HttpRequest> TakeBody();

  std::string bytes_;
  std::optional<HttpRequest> head_;  // of the request whose body is coming
};

struct HttpReply {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Of a budget, for as long as the reply is held; null: it is small.
  std::shared_ptr<const void> memory = {};
};
// Makes a body smaller that gains by it and has a type of text. Does nothing when it already has a
// coding.
void Compress(HttpReply* reply);
// What is sent before the body.
std::string HeadText(const HttpReply& reply, bool keep_alive);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_MESSAGE_H_
