#include "server/reply_source.h"

#include <future>
#include <utility>

namespace augstore {

std::optional<Frame> ReplySource::Next() {
  const ReplyTask task = NextTask();
  if (task == nullptr) return std::nullopt;
  for (;;) {
    std::promise<void> again;
    Reply reply = task([&again] { again.set_value(); });
    if (!reply.parked) return std::move(reply.frame);
    again.get_future().wait();
  }
}

}  // namespace augstore
