// A Channel over a TCP or Unix socket. Every wait has a deadline, and another thread can end it.
#ifndef AUGSTORE_CLIENT_SOCKET_CHANNEL_H_
#define AUGSTORE_CLIENT_SOCKET_CHANNEL_H_

#include <chrono>
#include <memory>

#include "client/channel.h"
#include "schemas/base/address.h"

namespace augstore {

struct SocketOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds io_timeout{120'000};  // without any progress
};

// Connects to a server. Errors: kInvalidArgument (a Unix path that is too long), kUnavailable (no
// server listens there, naming the address and the reason).
Result<std::unique_ptr<Channel>> ConnectSocket(const Address& address,
                                               const SocketOptions& options = {});

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_SOCKET_CHANNEL_H_
