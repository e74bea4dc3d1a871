#include "client/client.h"

#include <cstdlib>
#include <utility>

#include "client/exchange.h"
#include "client/greeting.h"
#include "schemas/base/digest.h"
#include "schemas/base/trace_context.h"

namespace augstore {
namespace {

// Whether the server may do it twice without harm.
bool IsRepeatable(MessageType type) {
  switch (type) {
    case MessageType::kAddRecordRequest:
    case MessageType::kBeginDraftRequest:
    case MessageType::kAppendSamplesRequest:
    case MessageType::kSetAliasRequest:
    case MessageType::kDeleteRecordRequest:
    case MessageType::kCreateKeyRequest:
    case MessageType::kRotateKeyRequest:
      return false;
    default:
      return true;
  }
}

// Layers or TransformWeights.
template <typename Weights>
Result<Weights> Checked(const Digest& weights, std::string_view ref, const std::string& blob) {
  const std::span bytes(reinterpret_cast<const uint8_t*>(blob.data()), blob.size());
  if (Sha256(bytes) != weights) {
    return DataLoss(
        "the weights of '{}' do not match their digest {}: run `augstore verify` on the server",
        ref, weights.Hex());
  }
  return Weights::FromSafetensors(blob);
}

// What is in the environment may be for others, so what is wrong there is left out.
Result<std::string> TraceOf(const SocketOptions& socket) {
  if (!socket.traceparent.empty()) {
    AUGSTORE_TRY(ParseTraceparent(socket.traceparent));
    return socket.traceparent;
  }
  const char* const value = std::getenv("TRACEPARENT");
  if (value == nullptr || !ParseTraceparent(value).ok()) return std::string();
  return std::string(value);
}

}  // namespace

Client::Client(ChannelFactory factory, const RetryOptions& retry)
    : factory_(std::move(factory)), retry_(retry) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Connect(std::string_view address, const RetryOptions& retry,
                                                const std::string& key,
                                                const SocketOptions& socket) {
  AUGSTORE_ASSIGN(const Address parsed, ParseAddress(address));
  AUGSTORE_ASSIGN(const std::string traceparent, TraceOf(socket));
  return Open([parsed, socket] { return ConnectSocket(parsed, socket); }, retry, key, traceparent);
}

Result<std::unique_ptr<Client>> Client::Open(ChannelFactory factory, const RetryOptions& retry,
                                             const std::string& key,
                                             const std::string& traceparent) {
  std::unique_ptr<Client> client(
      new Client(WithGreeting(std::move(factory), key, traceparent), retry));
  AUGSTORE_TRY(client->Call<ServerInfoReply>(ServerInfoRequest{}));
  return client;
}

Result<Frame> Client::CallFrame(Frame request) {
  request.request_id = next_request_id_++;
  if (next_request_id_ == 0) next_request_id_ = 1;  // 0 is the connection's
  const bool repeatable = IsRepeatable(request.type);
  const auto worthwhile = [&](const Outcome& failed) {
    return failed.reply.status().code() == Code::kUnavailable &&
           (repeatable || !failed.may_have_taken_effect);
  };
  Outcome outcome = ExchangeWithRetries(factory_, &channel_, request, retry_, worthwhile);
  const Status& status = outcome.reply.status();
  if (status.code() == Code::kUnavailable && !repeatable && outcome.may_have_taken_effect) {
    return status.WithContext("the request may or may not have taken effect");
  }
  return std::move(outcome.reply);
}

Result<Layers> Client::GetLayers(std::string_view head) {
  const GetRecordRequest request{RecordKind::kHead, std::string(head), true};
  AUGSTORE_ASSIGN(const RecordReply reply, Call<RecordReply>(request));
  AUGSTORE_ASSIGN(const HeadRecord record, Decode<HeadRecord>(reply.record));
  return Checked<Layers>(record.weights, head, reply.blob);
}

Result<TransformWeights> Client::GetWeights(std::string_view transform) {
  const GetRecordRequest request{RecordKind::kTransform, std::string(transform), true};
  AUGSTORE_ASSIGN(const RecordReply reply, Call<RecordReply>(request));
  AUGSTORE_ASSIGN(const TransformRecord record, Decode<TransformRecord>(reply.record));
  return Checked<TransformWeights>(record.weights, transform, reply.blob);
}

Result<uint32_t> Client::Add(RecordKind kind, const std::string& name, std::string record,
                             std::string blob) {
  constexpr int kMaxAttempts = 8;
  const AddRecordRequest request{kind, name, std::move(record), std::move(blob)};
  AUGSTORE_ASSIGN(const RecordListReply before,
                  Call<RecordListReply>(ListRecordsRequest{kind, name}));
  const uint32_t latest = before.records.empty() ? 0 : before.records.back().version;
  for (int attempt = 1;; ++attempt) {
    const Result<RecordReply> reply = Call<RecordReply>(request);
    if (reply.ok()) return reply->version;
    if (reply.status().code() != Code::kUnavailable || attempt == kMaxAttempts) {
      return reply.status();
    }
    // The reply was lost. FindAdded waits until the server is back.
    AUGSTORE_ASSIGN(const uint32_t added, FindAdded(request, latest));
    if (added != 0) return added;
  }
}

Result<uint32_t> Client::FindAdded(const AddRecordRequest& request, uint32_t latest) {
  AUGSTORE_ASSIGN(const RecordListReply now,
                  Call<RecordListReply>(ListRecordsRequest{request.kind, request.name}));
  for (const RecordReply& entry : now.records) {
    if (entry.version <= latest || request.blob.empty()) continue;
    const std::string ref = fmt::format("{}@{}", entry.name, entry.version);
    AUGSTORE_ASSIGN(const RecordReply stored,
                    Call<RecordReply>(GetRecordRequest{request.kind, ref, true}));
    if (stored.blob == request.blob) return entry.version;
  }
  return 0;
}

Status Client::SetAlias(const SetAliasRequest& request) { return Call<EndReply>(request).status(); }

Result<AliasHistory> Client::Aliases(RecordKind kind, const std::string& name) {
  const std::string ref = fmt::format("{}/{}", RecordKindName(kind), name);
  AUGSTORE_ASSIGN(const auto aliases, Get<AliasHistory>(ref));
  return aliases.record;
}

Result<std::unique_ptr<BatchStream>> Client::OpenStream(const StreamSpec& spec, uint32_t prefetch) {
  AUGSTORE_ASSIGN(StreamReply info, Call<StreamReply>(OpenStreamRequest{spec}));
  return std::make_unique<BatchStream>(factory_, std::move(info), retry_, prefetch);
}

Result<std::unique_ptr<BatchStream>> Client::ResumeStream(const StreamReply& before,
                                                          uint32_t prefetch) {
  AUGSTORE_ASSIGN(StreamReply here, Call<StreamReply>(OpenStreamRequest{before.spec}));
  const std::string difference = DescribeDifference(here, before);
  if (!difference.empty() || here.fingerprint != before.fingerprint) {
    return FailedPrecondition(
        "the stream of '{}' cannot be resumed, because it has changed: {}: restore what it was, or "
        "open a new stream",
        before.spec.collection,
        difference.empty() ? fmt::format("fingerprint: {} here, {} before", here.fingerprint.Hex(),
                                         before.fingerprint.Hex())
                           : difference);
  }
  return std::make_unique<BatchStream>(factory_, std::move(here), retry_, prefetch);
}

}  // namespace augstore
