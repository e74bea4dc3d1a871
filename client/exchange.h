// Internal to the client folder: one request and its first reply, and the pauses between attempts.
#ifndef AUGSTORE_CLIENT_EXCHANGE_H_
#define AUGSTORE_CLIENT_EXCHANGE_H_

#include <chrono>
#include <memory>
#include <optional>

#include "client/channel.h"
#include "client/client.h"
#include "schemas/wire/frame.h"

namespace augstore {

// Pauses between attempts: doubling from first_pause to max_pause until `total` has passed since
// the first failure.
class Backoff {
 public:
  explicit Backoff(const RetryOptions& options) : options_(options) { Reset(); }
  // How long to wait before the next attempt; nothing when it is time to give up.
  std::optional<std::chrono::milliseconds> Next();
  // After a success.
  void Reset();

 private:
  using Clock = std::chrono::steady_clock;
  RetryOptions options_;
  std::chrono::milliseconds pause_{};
  std::optional<Clock::time_point> deadline_;
};

// What became of a request.
struct Outcome {
  Result<Frame> reply;         // an ErrorReply's Status is the error
  bool may_have_taken_effect;  // false: the server cannot have seen the whole request
  bool connection_failed;  // the channel, or the server as a whole, not the request, is the reason
};

// Sends `request` and receives its first reply; opens `channel` when it is null, and drops it when
// it is of no more use.
Outcome Exchange(const ChannelFactory& factory, std::unique_ptr<Channel>* channel,
                 const Frame& request);

// The Status that an ErrorReply carries; ok for every other frame of request `id`. An id that is
// not the request's is kDataLoss, except for the errors of the connection itself (id 0).
Status CheckReply(const Frame& reply, uint32_t id);

// Whether to try again on a new channel after `failure` of a channel (not of a request).
bool IsTransient(const Status& failure);

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_EXCHANGE_H_
