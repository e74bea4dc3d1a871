#include "server/http/http_message.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <charconv>
#include <memory>

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

// "%41+b" as in a form (WHATWG URL, section 5.1): "A b". What is no escape stays as it is.
std::string Decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::map<std::string, std::string> ParseQuery(std::string_view query) {
  std::map<std::string, std::string> fields;
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), field.size() + 1));
    const size_t equals = field.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
    if (!field.empty()) fields[Decoded(field.substr(0, equals))] = Decoded(value);
  }
  return fields;
}

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
  if (message.find(http::field::transfer_encoding) != message.end()) {
    return NoRequest("its body has no stated size (Content-Length)");
  }
  const uint64_t body_bytes = parser.content_length().value_or(0);
  if (body_bytes > kMostHttpBodyBytes) {
    return NoRequest(
        fmt::format("its body has {} bytes, of at most {}", body_bytes, kMostHttpBodyBytes));
  }
  if (message.version() >= 11 && message.find(http::field::host) == message.end()) {
    return NoRequest("it has no Host");
  }
  const std::string_view target = PathOf(View(message.target()));
  if (!target.starts_with('/')) return NoRequest("its target is not a path");
  const size_t query = target.find('?');
  return HttpRequest{
      .method = std::string(View(message.method_string())),
      .path = std::string(target.substr(0, query)),
      .query = query == std::string_view::npos ? std::map<std::string, std::string>()
                                               : ParseQuery(target.substr(query + 1)),
      .host = std::string(View(message[http::field::host])),
      .key = BearerOf(View(message[http::field::authorization])),
      .content_type = std::string(View(message[http::field::content_type])),
      .body_bytes = body_bytes,
      .body = {},
      .accepts_gzip = http::ext_list(message[http::field::accept_encoding]).exists("gzip"),
      .keep_alive = message.keep_alive()};
}

Result<std::optional<HttpRequest>> HttpReader::Next() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (head_.has_value()) return TakeBody();
  // RFC 9112, section 2.2: empty lines before a request are passed over.
  while (bytes_.starts_with("\r\n")) bytes_.erase(0, 2);
  const size_t end = bytes_.find(kEnd);
  if (end == std::string::npos || end + kEnd.size() > kMostHttpHeadBytes) {
    if (bytes_.size() <= kMostHttpHeadBytes) return std::optional<HttpRequest>();
    return ResourceExhausted("the head of a request has more than {} bytes", kMostHttpHeadBytes);
  }
  const std::string head = bytes_.substr(0, end + kEnd.size());
  bytes_.erase(0, head.size());
  AUGSTORE_ASSIGN(head_, ParseHttpHead(head));
  return TakeBody();
}

std::optional<HttpRequest> HttpReader::TakeBody() {
  if (bytes_.size() < head_->body_bytes) return std::nullopt;
  head_->body = bytes_.substr(0, head_->body_bytes);
  bytes_.erase(0, head_->body_bytes);
  return std::exchange(head_, std::nullopt);
}

void Compress(HttpReply* reply) {
  constexpr size_t kLeast = 1400;  // less fits into one packet as it is
  const bool is_text =
      reply->type.starts_with("text/") || reply->type.starts_with("application/json");
  if (!is_text || reply->body.size() < kLeast) return;
  for (const auto& [name, value] : reply->headers) {
    if (name == "Content-Encoding") return;
  }
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(/*compression_level=*/4), &libdeflate_free_compressor);
  if (compressor == nullptr) return;
  std::string smaller(reply->body.size(), '\0');
  smaller.resize(libdeflate_gzip_compress(compressor.get(), reply->body.data(), reply->body.size(),
                                          smaller.data(), smaller.size()));
  if (smaller.empty()) return;  // it would not be smaller
  reply->body = std::move(smaller);
  reply->headers.emplace_back("Content-Encoding", "gzip");
}

std::string HeadText(const HttpReply& reply, bool keep_alive) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(reply.status));
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
      reply.status, View(reason), reply.type, reply.body.size(),
      keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  return text + "\r\n";
}

}  // namespace augstore
