// The replies to one request, made one task at a time. Nothing is made before it is asked for: that
// is the backpressure.
#ifndef AUGSTORE_SERVER_SERVICE_REPLY_SOURCE_H_
#define AUGSTORE_SERVER_SERVICE_REPLY_SOURCE_H_

#include <functional>
#include <memory>
#include <optional>

#include "schemas/base/cancellation.h"
#include "schemas/wire/frame.h"
#include "server/metrics/stream_table.h"

namespace augstore {

// What a task returns: a frame; or nothing yet, as another task is building what it needs.
struct Reply {
  bool parked = false;
  Frame frame;  // unless parked
};

// Runs a parked task again, on any thread. Must not throw.
using Resume = std::function<void()>;

// Makes one reply. May take as long as building a batch, and asks `cancellation` meanwhile. Errors
// become ErrorReply frames, which are the last of their request. If the reply is parked, `resume`
// is called exactly once, when the task is to be run again; otherwise never.
using ReplyTask = std::function<Reply(const Resume& resume, const Cancellation& cancellation)>;

// Thread safety: one thread at a time. Its tasks may run at the same time, on any threads, and may
// outlive the source.
class ReplySource {
 public:
  virtual ~ReplySource() = default;
  // The task that makes the next reply; null after the last. Replies that follow an ErrorReply must
  // be dropped: their tasks were claimed before it failed. What must be loaded first may take long,
  // and asks `cancellation`; if that fails, the task makes an ErrorReply.
  virtual ReplyTask NextTask(const Cancellation& cancellation) = 0;
  // Of a run of batches; null for other requests.
  virtual std::shared_ptr<StreamSlot> stream() const { return nullptr; }
  // The next reply, made on this thread; nothing after the last.
  std::optional<Frame> Next(const Cancellation& cancellation = {});
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_REPLY_SOURCE_H_
