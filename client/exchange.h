// Internal to the client folder: one request and its first reply.
#ifndef AUGSTORE_CLIENT_EXCHANGE_H_
#define AUGSTORE_CLIENT_EXCHANGE_H_

#include <functional>
#include <memory>

#include "client/channel.h"
#include "client/retry.h"
#include "schemas/wire/frame.h"

namespace augstore {

// What became of a request.
struct Outcome {
  Result<Frame> reply;         // an ErrorReply's Status is the error
  bool may_have_taken_effect;  // false: the server cannot have seen the whole request
  // The request is not to blame: the channel failed, or the server refuses connections.
  bool connection_failed;
};

// Sends `request` and receives its first reply. Opens `channel` when it is null, and drops it when
// it cannot be used any more.
Outcome Exchange(const ChannelFactory& factory, std::unique_ptr<Channel>* channel,
                 const Frame& request);

// The same, on a new channel again and again while `worthwhile` says so of a failure, within the
// time of `retry`. Returns the last outcome.
Outcome ExchangeWithRetries(const ChannelFactory& factory, std::unique_ptr<Channel>* channel,
                            const Frame& request, const RetryOptions& retry,
                            const std::function<bool(const Outcome&)>& worthwhile);

// The Status that an ErrorReply carries; ok for every other frame of request `id`. An id that is
// not the request's is kDataLoss, except for the errors of the connection itself (id 0).
Status CheckReply(const Frame& reply, uint32_t id);

// Whether a new channel may help after `failure` of a channel (not of a request).
bool IsTransient(const Status& failure);

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_EXCHANGE_H_
