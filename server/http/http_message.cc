#include "server/http/http_message.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <cctype>

namespace augstore {
namespace {

namespace http = boost::beast::http;

Status NoRequest(std::string_view why) { return InvalidArgument("no HTTP request: {}", why); }

// The scheme is case-insensitive (RFC 9110, section 11.1).
std::string BearerOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return "";
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const auto c = static_cast<unsigned char>(authorization[i]);
    if (std::tolower(c) != kScheme[i]) return "";
  }
  return std::string(authorization.substr(kScheme.size()));
}

// Of a target in absolute form, which a client of a proxy sends.
std::string_view PathOf(std::string_view target) {
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos || target.starts_with('/')) return target;
  const size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<HttpRequest> ParseHttpHead(std::string_view head) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMostHttpHeadBytes);
  boost::system::error_code error;
  const size_t used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error && error != http::error::need_more) return NoRequest(error.message());
  if (!parser.is_header_done()) return NoRequest("its head has no end");
  if (used != head.size()) return NoRequest("bytes follow its head");
  const auto& message = parser.get();
  const bool has_body = parser.content_length().value_or(0) > 0 ||
                        message.find(http::field::transfer_encoding) != message.end();
  if (has_body) return NoRequest("it has a body, and there is nothing to upload here");
  if (message.version() >= 11 && message.find(http::field::host) == message.end()) {
    return NoRequest("it has no Host");
  }
  const std::string_view target = PathOf(View(message.target()));
  if (!target.starts_with('/')) return NoRequest("its target is not a path");
  return HttpRequest{.method = std::string(View(message.method_string())),
                     .path = std::string(target.substr(0, target.find('?'))),
                     .key = BearerOf(View(message[http::field::authorization])),
                     .keep_alive = message.keep_alive()};
}

Result<std::optional<HttpRequest>> HttpReader::Next() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  // RFC 9112, section 2.2: empty lines before a request are passed over.
  while (bytes_.starts_with("\r\n")) bytes_.erase(0, 2);
  const size_t end = bytes_.find(kEnd);
  if (end == std::string::npos || end + kEnd.size() > kMostHttpHeadBytes) {
    if (bytes_.size() <= kMostHttpHeadBytes) return std::optional<HttpRequest>();
    return ResourceExhausted("the head of a request has more than {} bytes", kMostHttpHeadBytes);
  }
  const std::string head = bytes_.substr(0, end + kEnd.size());
  bytes_.erase(0, head.size());
  AUGSTORE_ASSIGN(HttpRequest request, ParseHttpHead(head));
  return std::optional<HttpRequest>(std::move(request));
}

std::string ToText(const HttpReply& reply, bool keep_alive, bool head_only) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(reply.status));
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
      reply.status, View(reason), reply.type, reply.body.size(),
      keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  text += "\r\n";
  return head_only ? text : text + reply.body;
}

}  // namespace augstore
