#include "server/service/service.h"

#include <type_traits>
#include <utility>

#include "schemas/wire/messages.h"
#include "server/service/service_ingest.h"
#include "server/service/service_registry.h"
#include "server/service/service_reply.h"
#include "server/service/service_state.h"
#include "server/service/service_stream.h"

namespace augstore {
namespace {

using Handler = Result<Frame> (*)(ServiceState& state, const Frame& request,
                                  const Cancellation& cancellation);

// Decodes the message of `frame` and encodes what its handler returns. `cancellation` is an
// argument of the handlers that compute for long.
template <typename Request, typename Answer, typename... Cancel>
Result<Frame> Handle(Result<Answer> (*handler)(ServiceState&, Request&, Cancel...),
                     ServiceState& state, const Frame& frame, Cancel... cancellation) {
  AUGSTORE_ASSIGN(Request message, FromFrame<Request>(frame));
  AUGSTORE_ASSIGN(Answer answer, handler(state, message, cancellation...));
  if constexpr (std::is_same_v<Answer, SharedBytes>) {
    return BatchFrame(std::move(answer), frame.request_id);
  } else {
    return ToFrame(answer, frame.request_id);
  }
}

// Null for a message type that has no handler.
Handler FindHandler(MessageType type) {
  switch (type) {
#define AUGSTORE_CASE(Name, Answer)                                           \
  case MessageType::k##Name##Request:                                         \
    return [](ServiceState& state, const Frame& frame, const Cancellation&) { \
      return Handle(handlers::Name, state, frame);                            \
    };
    AUGSTORE_REGISTRY_HANDLERS(AUGSTORE_CASE)
    AUGSTORE_INGEST_HANDLERS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
#define AUGSTORE_CASE(Name, Answer)                                                           \
  case MessageType::k##Name##Request:                                                         \
    return [](ServiceState& state, const Frame& frame, const Cancellation& cancel) {          \
      return Handle<Name##Request, Answer, const Cancellation&>(handlers::Name, state, frame, \
                                                                cancel);                      \
    };
    AUGSTORE_STREAM_HANDLERS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:
      return nullptr;
  }
}

Status UnknownRequest(MessageType type) {
  return InvalidArgument(
      "message type {} is not a request that this server (protocol {}) knows: use a client of the "
      "server's version",
      static_cast<int>(type), kProtocolVersion);
}

class SingleReply : public ReplySource {
 public:
  explicit SingleReply(ReplyTask task) : task_(std::move(task)) {}
  ReplyTask NextTask() override { return std::exchange(task_, nullptr); }

 private:
  ReplyTask task_;
};

}  // namespace

Service::Service(Catalog* catalog, const ServiceOptions& options)
    : state_(std::make_unique<ServiceState>(catalog, options)) {}

Service::~Service() = default;

std::unique_ptr<ReplySource> Service::Start(Frame request) {
  const bool is_run = request.type == MessageType::kBatchesRequest;
  const Handler handler = FindHandler(request.type);
  const bool known = is_run || handler != nullptr;
  ++state_->requests.at(known ? static_cast<size_t>(request.type) : 0);
  if (is_run) return StartBatches(state_.get(), std::move(request));
  return std::make_unique<SingleReply>([state = state_.get(), request = std::move(request),
                                        handler](const Resume&, const Cancellation& cancellation) {
    return MakeReply(*state, request.type, request.request_id, [&]() -> Result<Reply> {
      if (handler == nullptr) return UnknownRequest(request.type);
      AUGSTORE_ASSIGN(Frame frame, handler(*state, request, cancellation));
      return Reply{.parked = false, .frame = std::move(frame)};
    });
  });
}

MemoryBudget& Service::memory() { return state_->memory; }

bool Service::IsQuick(MessageType type) {
  switch (type) {
    case MessageType::kServerInfoRequest:
    case MessageType::kStatsRequest:
    case MessageType::kGetRecordRequest:
    case MessageType::kListRecordsRequest:
      return true;
    default:
      return false;
  }
}

void Service::SetConnections(uint32_t connections) { state_->connections = connections; }

}  // namespace augstore
