// Internal to the server folder: binds an Address and listens on it.
#ifndef AUGSTORE_SERVER_SOCKETS_LISTENER_H_
#define AUGSTORE_SERVER_SOCKETS_LISTENER_H_

#include <cstdint>
#include <utility>

#include "schemas/base/address.h"
#include "schemas/base/status.h"

namespace augstore {

// A bound, listening, non-blocking socket. Closes it, and removes its Unix socket file, when
// destroyed. Movable.
class Listener {
 public:
  // Replaces the file of a Unix socket on which no process listens any more. Errors:
  // kInvalidArgument (an address that other machines can reach, unless they may; a path that is too
  // long, or of a file that is not a socket), kUnavailable (naming the address and the reason).
  static Result<Listener> Open(const Address& address, bool others_may_reach_it = false);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  // The address bound, with the port that the system chose.
  const Address& address() const { return address_; }
  int family() const { return family_; }
  // Passes the descriptor to the caller. This object still removes the socket file.
  int ReleaseFd() { return std::exchange(fd_, -1); }

 private:
  Listener(int fd, int family, Address address)
      : fd_(fd), family_(family), address_(std::move(address)) {}
  static Result<Listener> OpenTcp(const Address& address, bool others_may_reach_it);
  static Result<Listener> OpenUnix(const Address& address);

  int fd_;
  int family_;
  Address address_;
  bool owns_file_ = false;
  uint64_t file_device_ = 0;
  uint64_t file_inode_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_LISTENER_H_
