// Where a server listens: tcp://host:port, tls://host:port or unix:///path.sock.
#ifndef AUGSTORE_SCHEMAS_BASE_ADDRESS_H_
#define AUGSTORE_SCHEMAS_BASE_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

inline constexpr uint16_t kDefaultPort = 7411;

struct Address {
  enum class Kind { kTcp, kUnix, kTls };  // kTls: TCP with TLS
  Kind kind = Kind::kTcp;
  std::string host;   // kTcp, kTls: a name, an IPv4 or (without brackets) an IPv6 address
  uint16_t port = 0;  // kTcp, kTls: 0 lets the system choose when listening
  std::string path;   // kUnix: absolute
  bool operator==(const Address&) const = default;
  std::string ToString() const;
  // 127.0.0.0/8, ::1, localhost, and every Unix socket.
  bool IsLoopback() const;
};

// "tcp://127.0.0.1:7411", "tcp://[::1]:7411", "tcp://host" (kDefaultPort), the same with "tls://",
// "unix:///run/augstore.sock". Errors: kInvalidArgument (also a Unix path longer than 107 bytes).
Result<Address> ParseAddress(std::string_view text);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_ADDRESS_H_
