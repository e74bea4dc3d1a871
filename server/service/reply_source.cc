#include "server/service/reply_source.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "schemas/wire/messages.h"

namespace augstore {
namespace {

constexpr std::chrono::milliseconds kPoll{50};

}  // namespace

std::optional<Frame> ReplySource::Next(const Cancellation& cancellation) {
  const ReplyTask task = NextTask(cancellation);
  if (task == nullptr) return std::nullopt;
  for (;;) {
    // Shared, as the thread that resumes may still be in set_value when the wait is over.
    const auto again = std::make_shared<std::promise<void>>();
    Reply reply = task([again] { again->set_value(); }, cancellation);
    if (!reply.parked) return std::move(reply.frame);
    const std::future<void> resumed = again->get_future();
    while (resumed.wait_for(kPoll) != std::future_status::ready) {
      // Left before it is resumed: `again` is the resuming thread's, too.
      const Status goes_on = cancellation.Check();
      if (!goes_on.ok()) return ErrorFrame(goes_on, reply.frame.request_id);
    }
  }
}

}  // namespace augstore
