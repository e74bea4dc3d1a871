#include "client/exchange.h"

#include <algorithm>

#include "schemas/wire/messages.h"

namespace augstore {

std::optional<std::chrono::milliseconds> Backoff::Next() {
  const Clock::time_point now = Clock::now();
  if (!deadline_.has_value()) deadline_ = now + options_.total;
  if (now >= *deadline_) return std::nullopt;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - now);
  const auto pause = std::min(pause_, left);
  pause_ = std::min(std::max(pause_ * 2, std::chrono::milliseconds(1)), options_.max_pause);
  return pause;
}

void Backoff::Reset() {
  pause_ = std::min(options_.first_pause, options_.max_pause);
  deadline_.reset();
}

bool IsTransient(const Status& failure) {
  switch (failure.code()) {
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kDataLoss:  // damaged on the way: the server still has it right
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
      "a reply to request {} came where one to request {} was due: the connection is closed, try "
      "again",
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

}  // namespace augstore
