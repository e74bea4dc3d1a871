#include "server/service/reply_source.h"

#include <future>
#include <memory>
#include <utility>

namespace augstore {

std::optional<Frame> ReplySource::Next(const Cancellation& cancellation) {
  const ReplyTask task = NextTask(cancellation);
  if (task == nullptr) return std::nullopt;
  for (;;) {
    // Shared, as the thread that resumes may still be in set_value when the wait is over.
    const auto again = std::make_shared<std::promise<void>>();
    Reply reply = task([again] { again->set_value(); }, cancellation);
    if (!reply.parked) return std::move(reply.frame);
    again->get_future().wait();
  }
}

}  // namespace augstore
