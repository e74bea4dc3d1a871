#include "schemas/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace augstore {
namespace {

constexpr std::string_view kTcpPrefix = "tcp://";
constexpr std::string_view kTlsPrefix = "tls://";
constexpr std::string_view kUnixPrefix = "unix://";
constexpr size_t kMaxHostBytes = 253;  // of a DNS name
constexpr size_t kMaxUnixPathBytes = sizeof(sockaddr_un::sun_path) - 1;

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// The host and port after `prefix`, which names `kind`.
Result<Address> ParseHost(std::string_view text, std::string_view prefix, Address::Kind kind) {
  Address address;
  address.kind = kind;
  address.port = kDefaultPort;
  std::string_view rest = text.substr(prefix.size());
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return InvalidArgument("address '{}' has no ']': write {}[::1]:{}", text, prefix,
                             kDefaultPort);
    }
    address.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (address.host.find('\0') != std::string::npos || !IsIpv6(address.host)) {
      return InvalidArgument("address '{}' has no IPv6 address in its brackets: write {}[::1]:{}",
                             text, prefix, kDefaultPort);
    }
  } else {
    const size_t colon = std::min(rest.find(':'), rest.size());
    address.host = rest.substr(0, colon);
    rest.remove_prefix(colon);
    if (rest.find(':', 1) != std::string_view::npos) {
      return InvalidArgument("address '{}' has several ':': write an IPv6 address as {}[::1]:{}",
                             text, prefix, kDefaultPort);
    }
    if (!IsHostName(address.host)) {
      return InvalidArgument("address '{}' has no valid host '{}': write {}host:{}", text,
                             address.host, prefix, kDefaultPort);
    }
  }
  if (rest.empty()) return address;
  const std::optional<uint16_t> port =
      rest.starts_with(':') ? ParsePort(rest.substr(1)) : std::nullopt;
  if (!port) {
    return InvalidArgument("address '{}' ends in '{}': give ':' and a port of 0 .. 65535", text,
                           rest);
  }
  address.port = *port;
  return address;
}

Result<Address> ParseUnix(std::string_view text) {
  Address address;
  address.kind = Address::Kind::kUnix;
  address.path = text.substr(kUnixPrefix.size());
  if (!address.path.starts_with('/') || address.path.ends_with('/')) {
    return InvalidArgument("address '{}' has no absolute path of a socket: write unix:///path.sock",
                           text);
  }
  if (address.path.size() > kMaxUnixPathBytes) {
    return InvalidArgument("address '{}' has a path of {} bytes: the system allows {}", text,
                           address.path.size(), kMaxUnixPathBytes);
  }
  if (address.path.find('\0') != std::string::npos) {
    return InvalidArgument("address '{}' has a zero byte in its path: remove it",
                           address.path.c_str());
  }
  return address;
}

bool IsLocalhost(std::string_view host) {
  constexpr std::string_view kLocalhost = "localhost";
  return std::equal(host.begin(), host.end(), kLocalhost.begin(), kLocalhost.end(),
                    [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); });
}

}  // namespace

std::string Address::ToString() const {
  if (kind == Kind::kUnix) return fmt::format("{}{}", kUnixPrefix, path);
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}", kind == Kind::kTls ? kTlsPrefix : kTcpPrefix, ipv6 ? "[" : "",
                     host, ipv6 ? "]" : "", port);
}

bool Address::IsLoopback() const {
  if (kind == Kind::kUnix || IsLocalhost(host)) return true;
  in_addr v4;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<Address> ParseAddress(std::string_view text) {
  if (text.starts_with(kTcpPrefix)) return ParseHost(text, kTcpPrefix, Address::Kind::kTcp);
  if (text.starts_with(kTlsPrefix)) return ParseHost(text, kTlsPrefix, Address::Kind::kTls);
  if (text.starts_with(kUnixPrefix)) return ParseUnix(text);
  return InvalidArgument(
      "address '{}' has an unknown scheme: write tcp://host:{}, tls://host:{} or "
      "unix:///path.sock",
      text, kDefaultPort, kDefaultPort);
}

}  // namespace augstore
