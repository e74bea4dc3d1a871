// What a server notes of one request in a client's trace while it answers it: for the log, and for
// the span that it exports. Requests outside of a trace have none, and cost a look at a pointer.
#ifndef AUGSTORE_SERVER_TRACES_REQUEST_TRACE_H_
#define AUGSTORE_SERVER_TRACES_REQUEST_TRACE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "schemas/base/status.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/base/trace_context.h"
#include "server/metrics/histogram.h"
#include "server/traces/span_queue.h"

namespace augstore {

// Thread-safe. Tasks of a request may still note something after its end, which nobody reads.
class RequestTrace {
 public:
  struct About {
    std::string operation;       // "Query"
    std::string server_address;  // where the client reached the server; empty: not known
    uint16_t server_port = 0;    // 0: a Unix socket
  };
  // Begins now. `spans` has the span at its end; null: there is no collector, or the client wants
  // no spans.
  RequestTrace(const TraceContext& parent, About about, SpanQueue* spans);

  const std::string& trace_id() const { return parent_.trace_id; }
  // What the request names, "photos@3".
  void NoteCollection(const std::string& ref);
  // The request is a run of batches that begins there.
  void NoteRun(uint64_t epoch, uint64_t step);
  void CountBatch(uint64_t rows) {
    ++batches_;
    rows_ += rows;
  }
  // Of the batches that were computed for a run: what workers did, summed over them.
  TimeSum store_seconds;
  TimeSum transform_seconds;
  TimeSum encode_seconds;
  // What a run waited for.
  TimeSum wait_for_server_seconds;
  TimeSum wait_for_client_seconds;
  // The request is answered by an error.
  void Fail(const Status& why);
  // Once.
  void End();

 private:
  using Clock = std::chrono::steady_clock;
  Span MakeSpan();

  const TraceContext parent_;
  const About about_;
  SpanQueue* const spans_;
  const std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  const Clock::time_point clock_began_ = Clock::now();
  std::atomic<uint64_t> batches_ = 0;
  std::atomic<uint64_t> rows_ = 0;
  Mutex mutex_;
  std::string collection_ AUGSTORE_GUARDED_BY(mutex_);
  bool is_run_ AUGSTORE_GUARDED_BY(mutex_) = false;
  uint64_t epoch_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  uint64_t step_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  Status failure_ AUGSTORE_GUARDED_BY(mutex_);
};
using RequestTracePointer = std::shared_ptr<RequestTrace>;

// Ends a trace, unless it is null, when the request has been answered or given up.
class TraceEnd {
 public:
  explicit TraceEnd(RequestTracePointer trace) : trace_(std::move(trace)) {}
  ~TraceEnd() {
    if (trace_ != nullptr) trace_->End();
  }
  TraceEnd(const TraceEnd&) = delete;
  TraceEnd& operator=(const TraceEnd&) = delete;

 private:
  const RequestTracePointer trace_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_REQUEST_TRACE_H_
