// The server without sockets: request frames in, reply frames out. Used by the socket server's
// sessions and, in the same process, by commands that were given --store: there is one
// implementation of every operation.
//
// Thread safety: Start may be called from any thread; each ReplySource is used by one thread at a
// time, its tasks by any.
#ifndef AUGSTORE_SERVER_SERVICE_H_
#define AUGSTORE_SERVER_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "schemas/wire/frame.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// Makes one reply frame. May take as long as building a batch. Errors become ErrorReply frames,
// which are the last of their request. Nothing: somebody else makes what it needs; `resume` is
// called, once and on any thread, when the task is to be run again; it does not throw.
using Resume = std::function<void()>;
using ReplyTask = std::function<std::optional<Frame>(const Resume& resume)>;

// The replies to one request, made when asked for: that is the backpressure.
class ReplySource {
 public:
  virtual ~ReplySource() = default;
  // What makes the next reply, or nothing after the last. Tasks may run at the same time, on any
  // threads, and outlive the source; what comes after one that failed is to be dropped.
  virtual std::optional<ReplyTask> NextTask() = 0;
  // The next reply, made on this thread; nothing after the last.
  std::optional<Frame> Next();
};

struct ServiceOptions {
  std::string address;  // for stats; empty in process
  // Of batches kept for other clients of the same stream; 0: every batch is built anew.
  uint64_t batch_cache_bytes = 0;
};

class Service {
 public:
  // `catalog` must outlive the service and its sources.
  Service(Catalog* catalog, ServiceOptions options);
  ~Service();
  // Never fails: an unknown or malformed request is answered by an ErrorReply.
  std::unique_ptr<ReplySource> Start(Frame request);
  // Told by a socket server, for stats. Thread-safe.
  void SetConnections(uint32_t connections);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_H_
