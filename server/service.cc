#include "server/service.h"

#include <atomic>
#include <exception>
#include <future>
#include <new>
#include <utility>

#include "engine/transforms/precision.h"
#include "schemas/base/limits.h"
#include "schemas/wire/messages.h"
#include "server/service_state.h"

namespace augstore {
namespace {

struct Operation {
  MessageType type;
  std::string_view name;
  handlers::Handler handler;  // null: a run of replies
};

constexpr Operation kOperations[] = {
    {MessageType::kServerInfoRequest, "ServerInfo", handlers::ServerInfo},
    {MessageType::kGetRecordRequest, "GetRecord", handlers::GetRecord},
    {MessageType::kListRecordsRequest, "ListRecords", handlers::ListRecords},
    {MessageType::kAddRecordRequest, "AddRecord", handlers::AddRecord},
    {MessageType::kDeleteRecordRequest, "DeleteRecord", handlers::DeleteRecord},
    {MessageType::kSetAliasRequest, "SetAlias", handlers::SetAlias},
    {MessageType::kFindImagesRequest, "FindImages", handlers::FindImages},
    {MessageType::kAppendRowsRequest, "AppendRows", handlers::AppendRows},
    {MessageType::kReadRowsRequest, "ReadRows", handlers::ReadRows},
    {MessageType::kBeginDraftRequest, "BeginDraft", handlers::BeginDraft},
    {MessageType::kAppendSamplesRequest, "AppendSamples", handlers::AppendSamples},
    {MessageType::kCommitDraftRequest, "CommitDraft", handlers::CommitDraft},
    {MessageType::kAbortDraftRequest, "AbortDraft", handlers::AbortDraft},
    {MessageType::kGetSamplesRequest, "GetSamples", handlers::GetSamples},
    {MessageType::kQueryRequest, "Query", handlers::Query},
    {MessageType::kOpenStreamRequest, "OpenStream", handlers::OpenStream},
    {MessageType::kBatchesRequest, "Batches", nullptr},
    {MessageType::kStatsRequest, "Stats", handlers::Stats},
    {MessageType::kVerifyRequest, "Verify", handlers::Verify},
};

const Operation* FindOperation(MessageType type) {
  for (const Operation& operation : kOperations) {
    if (operation.type == type) return &operation;
  }
  return nullptr;
}

// `make`'s frame; whatever is thrown on the way becomes a Status.
template <typename Make>
auto Guarded(std::string_view what, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(
        "{}: the server has no memory for it: ask for fewer rows, or lower its memory budget",
        what);
  } catch (const std::exception& error) {
    return Internal("{}: {}: please report this", what, error.what());
  } catch (...) {
    return Internal("{}: an exception of unknown type: please report this", what);
  }
}

// Counts a reply, after replacing one that no client would accept.
Frame Finished(ServiceState& state, Result<Frame> reply, uint32_t request_id) {
  if (reply.ok() && reply->body.bytes.size() > kMaxReplyBytes) {
    reply = ResourceExhausted(
        "the reply takes {} bytes, more than the limit of {}: ask for less at once",
        reply->body.bytes.size(), kMaxReplyBytes);
  }
  Frame frame = reply.ok() ? std::move(*reply) : ErrorFrame(reply.status(), request_id);
  state.reply_bytes += frame.body.bytes.size();
  return frame;
}

class SingleReply : public ReplySource {
 public:
  SingleReply(ServiceState* state, Frame request, const Operation& operation)
      : state_(state), request_(std::move(request)), operation_(operation) {}

  std::optional<ReplyTask> NextTask() override {
    if (std::exchange(done_, true)) return std::nullopt;
    return [state = state_, request = std::move(request_), &operation = operation_](const Resume&) {
      Result<Frame> reply =
          Guarded(operation.name, [&] { return operation.handler(*state, request); });
      return Finished(*state, std::move(reply), request.request_id);
    };
  }

 private:
  ServiceState* state_;
  Frame request_;
  const Operation& operation_;
  bool done_ = false;
};

class RunReply : public ReplySource {
 public:
  RunReply(ServiceState* state, Frame request)
      : state_(state), request_id_(request.request_id), run_(state, std::move(request)) {}

  std::optional<ReplyTask> NextTask() override {
    if (done_ || *failed_) return std::nullopt;
    Result<BatchRun::Claimed> claimed = Guarded("Batches", [this] { return run_.Claim(); });
    done_ = !claimed.ok() || claimed->last;
    BatchRun::Make make =
        claimed.ok() ? std::move(claimed->make) : [status = claimed.status()](const Resume&) {
          return Result<std::optional<Frame>>(status);
        };
    return [state = state_, id = request_id_, failed = failed_,
            make = std::move(make)](const Resume& resume) -> std::optional<Frame> {
      Result<std::optional<Frame>> made = Guarded("Batches", [&] { return make(resume); });
      if (made.ok() && !made->has_value()) return std::nullopt;
      Frame frame = Finished(
          *state, made.ok() ? Result<Frame>(std::move(**made)) : Result<Frame>(made.status()), id);
      if (frame.type == MessageType::kErrorReply) *failed = true;
      return frame;
    };
  }

 private:
  ServiceState* state_;
  const uint32_t request_id_;
  BatchRun run_;
  bool done_ = false;
  std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
};

class Refusal : public ReplySource {
 public:
  Refusal(const Status& status, uint32_t request_id) : frame_(ErrorFrame(status, request_id)) {}
  std::optional<ReplyTask> NextTask() override {
    if (!frame_.has_value()) return std::nullopt;
    return [frame = *std::exchange(frame_, std::nullopt)](const Resume&) { return frame; };
  }

 private:
  std::optional<Frame> frame_;
};

}  // namespace

struct Service::State : ServiceState {
  using ServiceState::ServiceState;
};

Service::Service(Catalog* catalog, ServiceOptions options)
    : state_(std::make_unique<State>(catalog, std::move(options))) {}

Service::~Service() = default;

std::optional<Frame> ReplySource::Next() {
  const std::optional<ReplyTask> task = NextTask();
  if (!task.has_value()) return std::nullopt;
  for (;;) {
    std::promise<void> again;
    std::optional<Frame> frame = (*task)([&again] { again.set_value(); });
    if (frame.has_value()) return frame;
    again.get_future().wait();
  }
}

std::unique_ptr<ReplySource> Service::Start(Frame request) {
  const Operation* operation = FindOperation(request.type);
  ++state_->requests[operation == nullptr ? 0 : static_cast<size_t>(request.type)];
  if (operation == nullptr) {
    return std::make_unique<Refusal>(
        InvalidArgument("message type {} is no request that this server (protocol {}) knows: use a "
                        "client of the server's version",
                        static_cast<int>(request.type), kProtocolVersion),
        request.request_id);
  }
  if (operation->handler == nullptr) {
    return std::make_unique<RunReply>(state_.get(), std::move(request));
  }
  return std::make_unique<SingleReply>(state_.get(), std::move(request), *operation);
}

void Service::SetConnections(uint32_t connections) { state_->connections = connections; }

std::string_view RequestName(MessageType type) {
  const Operation* operation = FindOperation(type);
  return operation == nullptr ? std::string_view() : operation->name;
}

EnginePool::Lease EnginePool::Take() {
  std::unique_ptr<Engine> engine;
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      engine = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (engine == nullptr) engine = NewEngine(precision_);
  return Lease(this, std::move(engine));
}

void EnginePool::Return(std::unique_ptr<Engine> engine) {
  std::lock_guard lock(mutex_);
  free_.push_back(std::move(engine));
}

}  // namespace augstore
