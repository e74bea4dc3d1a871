// A Channel carries frames to a service and back: over a socket, or within the process.
#ifndef AUGSTORE_CLIENT_CHANNEL_H_
#define AUGSTORE_CLIENT_CHANNEL_H_

#include <chrono>
#include <functional>
#include <memory>

#include "schemas/base/address.h"
#include "schemas/wire/frame.h"

namespace augstore {

// One request outstanding at a time. Thread safety: one thread at a time, except Interrupt.
class Channel {
 public:
  virtual ~Channel() = default;
  // Errors: kUnavailable (the peer is gone: open a new channel and send again), kDeadlineExceeded.
  virtual Status Send(const Frame& request) = 0;
  // The next reply frame of the request that was sent. Errors: as Send, and kDataLoss,
  // kInvalidArgument (a damaged frame; the channel is then closed).
  virtual Result<Frame> Receive() = 0;
  // Makes a Send or Receive that waits in another thread, and all later ones, fail with
  // kUnavailable. For channels that may wait for a peer; others need not do anything.
  virtual void Interrupt() {}
};

// Makes channels to one service; a client opens more of them to prefetch and to reconnect. Must be
// callable from any thread.
using ChannelFactory = std::function<Result<std::unique_ptr<Channel>>()>;

struct SocketOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds io_timeout{120'000};  // without any progress
};

// Connects to a server. Errors: kUnavailable (nobody listens there, naming the address).
Result<std::unique_ptr<Channel>> ConnectSocket(const Address& address,
                                               const SocketOptions& options = {});

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_CHANNEL_H_
