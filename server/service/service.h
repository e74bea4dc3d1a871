// The server without sockets: request frames in, reply frames out. Sessions of the socket server
// use it and so do, in the same process, commands that were given --store: every operation has one
// implementation.
//
// The story of a call:
//
//   1. A Session reads a frame from its socket and calls Service::Start, which finds the handler of
//      the message type and returns a ReplySource. Nothing is decoded or computed yet.
//   2. The session's ReplyPipeline hands the source to the workers. One of them claims the next
//      reply (NextTask), which of most requests is the only one and of a BatchesRequest the next
//      batch, and lets another worker claim the one after it.
//   3. The worker runs the claimed task: the handler decodes the message, uses the catalog, the
//      store and an engine, and returns the reply, which becomes a frame. A task that needs a batch
//      which another task is building is parked, without a worker, and resumed when it is ready.
//   4. The pipeline hands the frames to the session in the order of their claims, and the session
//      writes them.
//
// Steps 1 and 4 run on the socket thread, steps 2 and 3 on the workers; reply_pipeline.h says what
// belongs to which. Without sockets one thread does all of it, by ReplySource::Next.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "schemas/base/memory_budget.h"
#include "schemas/wire/frame.h"
#include "server/access/audit_log.h"
#include "server/access/principal.h"
#include "server/metrics/server_metrics.h"
#include "server/service/reply_source.h"
#include "server/traces/request_trace.h"
#include "storage/catalog/catalog.h"

namespace augstore {

struct ServiceOptions {
  std::string address = {};  // for stats; empty in process
  // Memory for built batches that other clients of the same stream may want; 0: every batch is
  // built anew.
  uint64_t batch_cache_bytes = 0;
  // Memory for the bodies of requests and replies, kept batches included; 0: no limit.
  uint64_t message_bytes = 0;
  // Memory for sample tables, transforms and their ops, which streams and queries share; 0: no
  // limit.
  uint64_t stream_bytes = 0;
  // Where clients may have backups made; empty: nowhere.
  std::string backup_folder = {};
  // Of the store, whose free space is told and must be `least_free_bytes` for the server to be
  // ready; empty: in memory.
  std::string folder = {};
  uint64_t least_free_bytes = 0;
  // What ConfigRequest is answered by: {"settings" [{"name", "value", "source"}]}; empty: an error.
  std::string settings = {};
  // Has every write and every refusal; null: nobody does. Must outlive the service.
  AuditLog* audit = nullptr;
  // Has the spans of requests whose clients want them; null: nobody does. Must outlive the service.
  SpanQueue* spans = nullptr;
};

struct ServiceState;

// Thread-safe.
class Service {
 public:
  // `catalog` must outlive the service, and the service its sources and their tasks.
  Service(Catalog* catalog, const ServiceOptions& options);
  ~Service();
  // Never fails: a request that is unknown, malformed or not allowed to `caller` is answered by an
  // ErrorReply.
  // `trace`: what is to be told of the request; null: nothing.
  std::unique_ptr<ReplySource> Start(Frame request, PrincipalPointer caller,
                                     RequestTracePointer trace = nullptr);
  // Who sent an AuthenticateRequest, and the reply to it. Takes microseconds. Errors:
  // kUnauthenticated; kInvalidArgument (the message); kUnavailable, kDataLoss (the keys could not
  // be read).
  struct Admission {
    PrincipalPointer caller;
    Frame reply;
  };
  Result<Admission> Authenticate(const Frame& request, const std::string& peer) const;
  // Who presents `key`. Errors: as Authenticate.
  Result<PrincipalPointer> Identify(std::string_view key, const std::string& peer) const;
  // For the audit log and the metrics: a refusal that did not come from Start.
  void NoteRefusal(const Principal& caller, std::string_view what, const Status& why);
  // Random, made with the store; empty: it could not be read.
  const std::string& store_id() const;
  // Whether anybody could authenticate.
  bool HasKeys() const;
  // Whether a request of this type takes milliseconds whatever it asks for, so that it need not
  // wait behind those that take long.
  static bool IsQuick(MessageType type);
  // Of the bodies of requests and replies.
  MemoryBudget& memory();
  // Where a socket server counts what it does.
  ServerMetrics& metrics();
  // As in the options.
  SpanQueue* spans();
  // All of them in the text format of Prometheus. Errors: those of the store.
  Result<std::string> MetricsText();
  // Whether the store takes writes and has room for more. The message names no path, so anybody may
  // read it. Errors: kFailedPrecondition, kResourceExhausted, those of Store::Stats.
  Status CheckReady();

 private:
  std::unique_ptr<ServiceState> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_H_
