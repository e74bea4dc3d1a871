#include "server/service/service.h"

#include <chrono>
#include <type_traits>
#include <utility>
#include <variant>

#include "schemas/wire/messages.h"
#include "server/access/access.h"
#include "server/metrics/process_metrics.h"
#include "server/service/service_backup.h"
#include "server/service/service_browse.h"
#include "server/service/service_ingest.h"
#include "server/service/service_keys.h"
#include "server/service/service_metrics.h"
#include "server/service/service_operate.h"
#include "server/service/service_registry.h"
#include "server/service/service_reply.h"
#include "server/service/service_state.h"
#include "server/service/service_stream.h"

namespace augstore {
namespace {

// What becomes known of a request while it is handled.
struct Notes {
  AuditNote audit;
  RequestTrace* trace = nullptr;  // null: outside of traces
};

using Handler = Result<Frame> (*)(ServiceState& state, const Frame& request,
                                  const Principal& caller, const Cancellation& cancellation,
                                  Notes* notes);

// The collection that a message names, or nothing.
template <typename Request>
std::string CollectionOf(const Request& message) {
  if constexpr (requires { message.spec; }) {
    return message.spec.collection;
  } else if constexpr (requires { message.collection; }) {
    return message.collection;
  } else if constexpr (requires { message.kind, message.ref; }) {
    return message.kind == RecordKind::kCollection ? message.ref : "";
  } else if constexpr (requires { message.kind, message.name; }) {
    return message.kind == RecordKind::kCollection ? message.name : "";
  } else {
    return "";
  }
}

template <typename... Messages>
Frame AnswerFrame(const std::variant<Messages...>& answer, uint32_t request_id) {
  return std::visit([&](const auto& message) { return ToFrame(message, request_id); }, answer);
}
template <typename Message>
Frame AnswerFrame(const Message& answer, uint32_t request_id) {
  return ToFrame(answer, request_id);
}

// Decodes the message of `frame`, checks that `caller` may send it, and encodes what its handler
// returns. `more` are the further arguments of handlers that compute for long, or that need to know
// who asks.
template <typename Request, typename Answer, typename... More>
Result<Frame> Handle(Result<Answer> (*handler)(ServiceState&, Request&, More...),
                     ServiceState& state, const Frame& frame, const Principal& caller, Notes* notes,
                     More... more) {
  const Status may_send = CheckRole(frame.type, caller);
  Result<Request> message = FromFrame<Request>(frame);
  if (message.ok()) {
    notes->audit.target = TargetOf(*message);
    notes->audit.looks = Looks(*message);
    if (notes->trace != nullptr) notes->trace->NoteCollection(CollectionOf(*message));
  }
  AUGSTORE_TRY(may_send);
  AUGSTORE_TRY(message);
  AUGSTORE_TRY(CheckScope(*state.catalog, caller, *message));
  AUGSTORE_ASSIGN(Answer answer, handler(state, *message, more...));
  NoteAnswer(answer, &notes->audit);
  if constexpr (std::is_same_v<Answer, SharedBytes>) {
    return BatchFrame(std::move(answer), frame.request_id);
  } else {
    return AnswerFrame(answer, frame.request_id);
  }
}

// Null for a message type that has no handler.
Handler FindHandler(MessageType type) {
  switch (type) {
#define AUGSTORE_CASE(Name, Answer)                                                               \
  case MessageType::k##Name##Request:                                                             \
    return                                                                                        \
        [](ServiceState& state, const Frame& frame, const Principal& caller, const Cancellation&, \
           Notes* notes) { return Handle(handlers::Name, state, frame, caller, notes); };
    AUGSTORE_REGISTRY_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_INGEST_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_KEY_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_BACKUP_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_OPERATE_HANDLERS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
#define AUGSTORE_CASE(Name, Answer)                                                                \
  case MessageType::k##Name##Request:                                                              \
    return [](ServiceState& state, const Frame& frame, const Principal& caller,                    \
              const Cancellation&, Notes* notes) {                                                 \
      return Handle<Name##Request, Answer, const Principal&>(handlers::Name, state, frame, caller, \
                                                             notes, caller);                       \
    };
    AUGSTORE_REGISTRY_CALLER_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_BROWSE_CALLER_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_INGEST_CALLER_HANDLERS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
#define AUGSTORE_CASE(Name, Answer)                                                           \
  case MessageType::k##Name##Request:                                                         \
    return [](ServiceState& state, const Frame& frame, const Principal& caller,               \
              const Cancellation& cancel, Notes* notes) {                                     \
      return Handle<Name##Request, Answer, const Cancellation&>(handlers::Name, state, frame, \
                                                                caller, notes, cancel);       \
    };
    AUGSTORE_STREAM_LONG_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_BROWSE_LONG_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_REGISTRY_LONG_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_INGEST_LONG_HANDLERS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:
      return nullptr;
  }
}

Status UnknownRequest(MessageType type) {
  return InvalidArgument(
      "message type {} is not a request that this server knows (augstore {}): update the server, "
      "or "
      "use a client of its release",
      static_cast<int>(type), AUGSTORE_VERSION);
}

PrincipalPointer CallerWith(const KeyRing::Admitted& admitted, const std::string& peer) {
  const KeyInfo& key = admitted.key;
  return std::make_shared<Principal>(
      Principal{"key " + key.id, peer, key.role, key.scope, admitted.grant});
}

class SingleReply : public ReplySource {
 public:
  explicit SingleReply(ReplyTask task) : task_(std::move(task)) {}
  ReplyTask NextTask(const Cancellation& /*cancellation*/) override {
    return std::exchange(task_, nullptr);
  }

 private:
  ReplyTask task_;
};

}  // namespace

Service::Service(Catalog* catalog, const ServiceOptions& options)
    : state_(std::make_unique<ServiceState>(catalog, options)) {}

Service::~Service() = default;

std::unique_ptr<ReplySource> Service::Start(Frame request, PrincipalPointer caller,
                                            RequestTracePointer trace) {
  const bool is_run = request.type == MessageType::kBatchesRequest;
  const Handler handler = FindHandler(request.type);
  const bool known = is_run || handler != nullptr;
  ++state_->metrics.requests.at(known ? static_cast<size_t>(request.type) : 0);
  if (is_run) {
    return StartBatches(state_.get(), std::move(request), std::move(caller), std::move(trace));
  }
  return std::make_unique<SingleReply>([state = state_.get(), request = std::move(request),
                                        caller = std::move(caller), trace = std::move(trace),
                                        handler](const Resume&, const Cancellation& cancellation) {
    Notes notes{.audit = {}, .trace = trace.get()};
    const auto began = std::chrono::steady_clock::now();
    Result<Reply> made = Guarded(request.type, [&]() -> Result<Reply> {
      if (handler == nullptr) return UnknownRequest(request.type);
      AUGSTORE_ASSIGN(Frame frame, handler(*state, request, *caller, cancellation, &notes));
      return Reply{.parked = false, .frame = std::move(frame)};
    });
    state->metrics.request_seconds.at(handler == nullptr ? 0 : static_cast<size_t>(request.type))
        .Observe(std::chrono::steady_clock::now() - began);
    NoteOutcome(*state, request.type, *caller, std::move(notes.audit), made.status());
    return FinishReply(*state, request.request_id, std::move(made));
  });
}

void Service::NoteRefusal(const Principal& caller, std::string_view what, const Status& why) {
  ++state_->metrics.refused.at(static_cast<size_t>(why.code()));
  if (state_->audit != nullptr) state_->audit->Add(caller, {std::string(what), "", "", why});
}

Result<PrincipalPointer> Service::Identify(std::string_view key, const std::string& peer) const {
  AUGSTORE_ASSIGN(const KeyRing::Admitted admitted, state_->keys.Authenticate(key));
  return CallerWith(admitted, peer);
}

Result<Service::Admission> Service::Authenticate(const Frame& request,
                                                 const std::string& peer) const {
  ++state_->metrics.requests.at(static_cast<size_t>(request.type));
  AUGSTORE_ASSIGN(const AuthenticateRequest message, FromFrame<AuthenticateRequest>(request));
  AUGSTORE_ASSIGN(const KeyRing::Admitted admitted, state_->keys.Authenticate(message.key));
  const KeyInfo& key = admitted.key;
  const AuthenticateReply reply{state_->store_id, key.id, key.role, key.scope};
  return Admission{CallerWith(admitted, peer), ToFrame(reply, request.request_id)};
}

bool Service::HasKeys() const {
  const auto keys = state_->keys.List();
  return keys.ok() && !keys->empty();
}

const std::string& Service::store_id() const { return state_->store_id; }

MemoryBudget& Service::memory() { return state_->memory; }

bool Service::IsQuick(MessageType type) {
  switch (type) {
    case MessageType::kServerInfoRequest:
    case MessageType::kStatsRequest:
    case MessageType::kGetRecordRequest:
    case MessageType::kListRecordsRequest:
    case MessageType::kBrowseRequest:
    case MessageType::kStopStreamRequest:
    case MessageType::kConfigRequest:
    case MessageType::kCreateKeyRequest:
    case MessageType::kListKeysRequest:
    case MessageType::kRevokeKeyRequest:
    case MessageType::kRotateKeyRequest:
    case MessageType::kStartBackupRequest:
    case MessageType::kGetBackupRequest:
    case MessageType::kStopBackupRequest:
      return true;
    default:
      return false;
  }
}

ServerMetrics& Service::metrics() { return state_->metrics; }

SpanQueue* Service::spans() { return state_->spans; }

Result<std::string> Service::MetricsText() { return DescribeMetrics(*state_); }

Status Service::CheckReady() {
  AUGSTORE_ASSIGN(const StoreStats stats, state_->catalog->store()->Stats());
  if (!stats.write_error.empty()) {
    return FailedPrecondition("the store takes no writes until the server is started again");
  }
  AUGSTORE_ASSIGN(const std::optional<DiskSpace> disk, FindDiskSpace(state_->folder));
  if (disk.has_value() && disk->free_bytes < state_->least_free_bytes) {
    return ResourceExhausted("{} MiB are free for the store, and {} MiB are the least",
                             disk->free_bytes >> 20, state_->least_free_bytes >> 20);
  }
  return OkStatus();
}

}  // namespace augstore
