// Internal to the server folder: hosts that present keys which are none may do so a few times a
// minute. A key cannot be guessed; but trying takes connections from others, and fills the log.
#ifndef AUGSTORE_SERVER_SOCKETS_HANDSHAKE_LIMIT_H_
#define AUGSTORE_SERVER_SOCKETS_HANDSHAKE_LIMIT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace augstore {

// Thread safety: none.
class HandshakeLimit {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr size_t kMostHosts = 4096;  // that are remembered

  // `most` failures in a window; 0: any number.
  explicit HandshakeLimit(uint32_t most) : most_(most) {}

  void CountFailure(const std::string& host, Clock::time_point now);
  // For how long the host is to be refused; 0: it is not.
  std::chrono::seconds BlockedFor(const std::string& host, Clock::time_point now) const;

 private:
  struct Failures {
    Clock::time_point first;  // of the window
    uint32_t count = 0;
  };
  const uint32_t most_;
  std::map<std::string, Failures> hosts_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_HANDSHAKE_LIMIT_H_
