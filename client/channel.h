// A Channel carries frames to a service and back: over a socket, or within the process.
#ifndef AUGSTORE_CLIENT_CHANNEL_H_
#define AUGSTORE_CLIENT_CHANNEL_H_

#include <functional>
#include <memory>

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
  // kUnavailable. Channels that never wait for a peer need not do anything.
  virtual void Interrupt() {}
};

// Makes channels to one service; a client opens more of them to prefetch and to reconnect. Must be
// callable from any thread.
using ChannelFactory = std::function<Result<std::unique_ptr<Channel>>()>;

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_CHANNEL_H_
