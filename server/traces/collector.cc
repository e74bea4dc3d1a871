#include "server/traces/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <optional>

#include "schemas/base/address.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kScheme = "http://";
constexpr uint32_t kMostHeadBytes = 16 << 10;
constexpr std::chrono::milliseconds kLook{50};  // how often `is_over` is asked

// As it stands in an address and in the header Host.
std::string Authority(const Collector& collector) {
  const bool is_v6 = collector.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", collector.host, is_v6 ? "]" : "",
                     collector.port);
}

// Resolves, connects, writes and reads the head of the reply; its body says nothing more.
asio::awaitable<void> Exchange(const Collector& collector, std::string_view json,
                               std::optional<Result<int>>* outcome) {
  const auto executor = co_await asio::this_coro::executor;
  const auto fail = [outcome](const boost::system::error_code& error) {
    outcome->emplace(Unavailable("{}", error.message()));
  };
  Tcp::resolver resolver(executor);
  const auto [unknown, endpoints] =
      co_await resolver.async_resolve(collector.host, std::to_string(collector.port), kAwait);
  if (unknown) co_return fail(unknown);
  Tcp::socket socket(executor);
  const auto [refused, endpoint] = co_await asio::async_connect(socket, endpoints, kAwait);
  if (refused) co_return fail(refused);
  http::request<http::span_body<const char>> request(http::verb::post, collector.path, 11);
  request.set(http::field::host, Authority(collector));
  request.set(http::field::user_agent, "augstore/" AUGSTORE_VERSION);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.body() = {json.data(), json.size()};
  request.prepare_payload();
  const auto [unsent, sent] = co_await http::async_write(socket, request, kAwait);
  if (unsent) co_return fail(unsent);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kMostHeadBytes);
  const auto [unread, read] = co_await http::async_read_header(socket, buffer, parser, kAwait);
  if (unread) co_return fail(unread);
  outcome->emplace(static_cast<int>(parser.get().result_int()));
}

}  // namespace

std::string Collector::ToString() const {
  return fmt::format("{}{}{}", kScheme, Authority(*this), path);
}

Result<Collector> ParseCollector(std::string_view url) {
  const auto wrong = [url](std::string_view why) {
    return InvalidArgument("the collector '{}' {}: write http://HOST:4318/v1/traces", url, why);
  };
  if (url.starts_with("https://")) return wrong("is in https, which is not spoken to it");
  if (!url.starts_with(kScheme)) return wrong("is no address in http");
  const std::string_view rest = url.substr(kScheme.size());
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return wrong("has no path");
  const std::string_view authority = rest.substr(0, slash);
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.back() == ']') return wrong("has no port");
  const Result<Address> address = ParseAddress(fmt::format("tcp://{}", authority));
  if (!address.ok() || address->port == 0) return wrong("has no such host and port");
  const std::string_view path = rest.substr(slash);
  // A blank or a control character would end the line of the request.
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  if (!std::ranges::all_of(path, is_plain)) return wrong("has a path of other characters");
  return Collector{address->host, address->port, std::string(path)};
}

Result<int> PostJson(const Collector& collector, std::string_view json,
                     std::chrono::milliseconds limit, const std::function<bool()>& is_over) {
  std::optional<Result<int>> outcome;
  const auto end = std::chrono::steady_clock::now() + limit;
  try {
    asio::io_context io{1};
    asio::co_spawn(io, Exchange(collector, json, &outcome), asio::detached);
    while (!io.stopped() && std::chrono::steady_clock::now() < end && !is_over()) io.run_for(kLook);
  } catch (const std::exception& error) {  // no memory, or no descriptors
    return Unavailable("{}", error.what());
  }
  if (outcome.has_value()) return *std::move(outcome);
  return DeadlineExceeded("it did not answer within {} ms", limit.count());
}

}  // namespace augstore
