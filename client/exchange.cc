#include "client/exchange.h"

#include <optional>
#include <utility>

#include "schemas/wire/messages.h"

namespace augstore {

bool IsTransient(const Status& failure) {
  switch (failure.code()) {
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kDataLoss:  // damaged on its way: the server can send it again
      return true;
    default:
      return false;
  }
}

Status CheckReply(const Frame& reply, uint32_t id) {
  if (reply.type == MessageType::kErrorReply && (reply.request_id == id || reply.request_id == 0)) {
    return ExpectType(reply, MessageType::kEndReply);
  }
  if (reply.request_id == id) return OkStatus();
  return DataLoss(
      "the server replied to request {} instead of request {}: the connection is closed, try again",
      reply.request_id, id);
}

Outcome Exchange(const ChannelFactory& factory, std::unique_ptr<Channel>* channel,
                 const Frame& request) {
  if (*channel == nullptr) {
    Result<std::unique_ptr<Channel>> opened = factory();
    if (!opened.ok()) return {opened.status(), false, true};
    *channel = std::move(*opened);
  }
  if (const Status sent = (*channel)->Send(request); !sent.ok()) {
    channel->reset();
    return {sent, false, true};
  }
  Result<Frame> reply = (*channel)->Receive();
  if (!reply.ok()) {
    channel->reset();
    return {reply.status(), true, true};
  }
  if (const Status status = CheckReply(*reply, request.request_id); !status.ok()) {
    const bool of_connection = reply->request_id != request.request_id;
    if (of_connection) channel->reset();
    return {status, true, of_connection};
  }
  return {std::move(reply), true, false};
}

Outcome ExchangeWithRetries(const ChannelFactory& factory, std::unique_ptr<Channel>* channel,
                            const Frame& request, const RetryOptions& retry,
                            const std::function<bool(const Outcome&)>& worthwhile) {
  std::optional<Outcome> outcome;
  const auto attempt = [&]() -> Attempt {
    outcome.emplace(Exchange(factory, channel, request));
    const bool again = !outcome->reply.ok() && worthwhile(*outcome);
    if (again) channel->reset();
    return {outcome->reply.status(), again, false};
  };
  (void)Retry(retry, attempt);  // the status is the outcome's
  return *std::move(outcome);
}

}  // namespace augstore
