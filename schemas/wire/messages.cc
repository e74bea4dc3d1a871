// What every message shares, and the messages about the server itself.
#include "schemas/wire/messages.h"

#include <array>
#include <utility>

#include "schemas/records/codec.h"
#include "schemas/wire_generated.h"

namespace augstore {
namespace {

namespace wire = fb::wire;
using codec::Builder;
using codec::Reader;

constexpr std::array<std::pair<MessageType, std::string_view>, 34> kTypeNames = {{
    {MessageType::kServerInfoRequest, "ServerInfoRequest"},
    {MessageType::kGetRecordRequest, "GetRecordRequest"},
    {MessageType::kListRecordsRequest, "ListRecordsRequest"},
    {MessageType::kAddRecordRequest, "AddRecordRequest"},
    {MessageType::kDeleteRecordRequest, "DeleteRecordRequest"},
    {MessageType::kSetAliasRequest, "SetAliasRequest"},
    {MessageType::kFindImagesRequest, "FindImagesRequest"},
    {MessageType::kAppendRowsRequest, "AppendRowsRequest"},
    {MessageType::kReadRowsRequest, "ReadRowsRequest"},
    {MessageType::kBeginDraftRequest, "BeginDraftRequest"},
    {MessageType::kAppendSamplesRequest, "AppendSamplesRequest"},
    {MessageType::kCommitDraftRequest, "CommitDraftRequest"},
    {MessageType::kAbortDraftRequest, "AbortDraftRequest"},
    {MessageType::kGetSamplesRequest, "GetSamplesRequest"},
    {MessageType::kQueryRequest, "QueryRequest"},
    {MessageType::kOpenStreamRequest, "OpenStreamRequest"},
    {MessageType::kBatchesRequest, "BatchesRequest"},
    {MessageType::kStatsRequest, "StatsRequest"},
    {MessageType::kVerifyRequest, "VerifyRequest"},
    {MessageType::kShareMemoryRequest, "ShareMemoryRequest"},
    {MessageType::kErrorReply, "ErrorReply"},
    {MessageType::kServerInfoReply, "ServerInfoReply"},
    {MessageType::kRecordReply, "RecordReply"},
    {MessageType::kRecordListReply, "RecordListReply"},
    {MessageType::kRowIdsReply, "RowIdsReply"},
    {MessageType::kDraftReply, "DraftReply"},
    {MessageType::kSamplesReply, "SamplesReply"},
    {MessageType::kBatchReply, "BatchReply"},
    {MessageType::kEndReply, "EndReply"},
    {MessageType::kStreamReply, "StreamReply"},
    {MessageType::kStatsReply, "StatsReply"},
    {MessageType::kVerifyReply, "VerifyReply"},
    {MessageType::kShareMemoryReply, "ShareMemoryReply"},
    {MessageType::kSharedBodyReply, "SharedBodyReply"},
}};

// The Status that an ErrorReply carries, or why its body cannot be read. Never ok.
Status CarriedStatus(const SharedBytes& body) {
  Reader in("ErrorReply", body);
  const auto* t = in.Root<wire::ErrorReply>();
  if (t == nullptr) return in.status();
  std::string message = in.Text("message", t->message(), kMaxTextBytes);
  AUGSTORE_TRY(in.status());
  const bool known = t->code() > static_cast<uint8_t>(Code::kOk) &&
                     t->code() <= static_cast<uint8_t>(Code::kInternal);
  if (known) return {Code{t->code()}, std::move(message)};
  return Internal("{} (the peer sent the unknown error code {}: use the same release of augstore)",
                  message, t->code());
}

// For messages without fields.
template <typename Table>
Status CheckEmpty(const char* what, const SharedBytes& body) {
  Reader in(what, body);
  in.Root<Table>();
  return in.status();
}

}  // namespace

std::string MessageTypeName(MessageType type) {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return std::string(name);
  }
  return fmt::format("message type {}", static_cast<uint16_t>(type));
}

Frame ErrorFrame(const Status& status, uint32_t request_id) {
  AUGSTORE_CHECK(!status.ok());
  Builder b;
  const auto message = b.PutText(std::string_view(status.message()).substr(0, kMaxTextBytes));
  return {MessageType::kErrorReply, request_id,
          b.Seal(wire::CreateErrorReply(b, static_cast<uint8_t>(status.code()), message))};
}

Status ExpectType(const Frame& frame, MessageType expected) {
  if (frame.type == expected) return OkStatus();
  if (frame.type == MessageType::kErrorReply) return CarriedStatus(frame.body);
  return InvalidArgument("expected {} but received {}: the two sides disagree about the protocol",
                         MessageTypeName(expected), MessageTypeName(frame.type));
}

SharedBytes EncodeBody(const ServerInfoRequest&) {
  Builder b;
  return b.Seal(wire::CreateServerInfoRequest(b));
}
Status DecodeBody(const SharedBytes& body, ServerInfoRequest*) {
  return CheckEmpty<wire::ServerInfoRequest>("ServerInfoRequest", body);
}

SharedBytes EncodeBody(const StatsRequest&) {
  Builder b;
  return b.Seal(wire::CreateStatsRequest(b));
}
Status DecodeBody(const SharedBytes& body, StatsRequest*) {
  return CheckEmpty<wire::StatsRequest>("StatsRequest", body);
}

SharedBytes EncodeBody(const EndReply&) {
  Builder b;
  return b.Seal(wire::CreateEndReply(b));
}
Status DecodeBody(const SharedBytes& body, EndReply*) {
  return CheckEmpty<wire::EndReply>("EndReply", body);
}

SharedBytes EncodeBody(const ShareMemoryRequest&) {
  Builder b;
  return b.Seal(wire::CreateShareMemoryRequest(b));
}
Status DecodeBody(const SharedBytes& body, ShareMemoryRequest*) {
  return CheckEmpty<wire::ShareMemoryRequest>("ShareMemoryRequest", body);
}

SharedBytes EncodeBody(const ShareMemoryReply& message) {
  Builder b;
  return b.Seal(wire::CreateShareMemoryReply(b, message.bytes, message.slots));
}
Status DecodeBody(const SharedBytes& body, ShareMemoryReply* message) {
  Reader in("ShareMemoryReply", body);
  if (const auto* t = in.Root<wire::ShareMemoryReply>()) {
    message->bytes = t->bytes();
    message->slots = t->slots();
  }
  return in.status();
}

SharedBytes EncodeBody(const SharedBodyReply& message) {
  Builder b;
  return b.Seal(wire::CreateSharedBodyReply(b, static_cast<uint16_t>(message.type), message.slot,
                                            message.offset, message.size));
}
Status DecodeBody(const SharedBytes& body, SharedBodyReply* message) {
  Reader in("SharedBodyReply", body);
  if (const auto* t = in.Root<wire::SharedBodyReply>()) {
    message->type = MessageType{t->type()};
    message->slot = t->slot();
    message->offset = t->offset();
    message->size = t->size();
  }
  return in.status();
}

SharedBytes EncodeBody(const ServerInfoReply& message) {
  Builder b;
  const auto version = b.PutText(message.version);
  const auto store_id = b.PutText(message.store_id);
  return b.Seal(wire::CreateServerInfoReply(b, version, store_id));
}
Status DecodeBody(const SharedBytes& body, ServerInfoReply* message) {
  Reader in("ServerInfoReply", body);
  if (const auto* t = in.Root<wire::ServerInfoReply>()) {
    message->version = in.Text("version", t->version(), kMaxNameBytes);
    message->store_id = in.Text("store_id", t->store_id(), kMaxNameBytes);
  }
  return in.status();
}

SharedBytes EncodeBody(const StatsReply& message) {
  Builder b(message.json.size() + 1024);
  const auto json = b.PutText(message.json);
  return b.Seal(wire::CreateStatsReply(b, json));
}
Status DecodeBody(const SharedBytes& body, StatsReply* message) {
  Reader in("StatsReply", body);
  if (const auto* t = in.Root<wire::StatsReply>())
    message->json = in.Text("json", t->json(), kMaxTextBytes);
  return in.status();
}

SharedBytes EncodeBody(const VerifyRequest& message) {
  Builder b;
  const auto cursor = b.PutText(message.cursor);
  return b.Seal(wire::CreateVerifyRequest(b, cursor));
}
Status DecodeBody(const SharedBytes& body, VerifyRequest* message) {
  Reader in("VerifyRequest", body);
  if (const auto* t = in.Root<wire::VerifyRequest>())
    message->cursor = in.Text("cursor", t->cursor(), kMaxTextBytes);
  return in.status();
}

SharedBytes EncodeBody(const VerifyReply& message) {
  Builder b;
  const auto cursor = b.PutText(message.cursor);
  const auto problems = b.PutTexts(message.problems);
  return b.Seal(wire::CreateVerifyReply(b, cursor, message.checked, message.total, problems));
}
Status DecodeBody(const SharedBytes& body, VerifyReply* message) {
  Reader in("VerifyReply", body);
  if (const auto* t = in.Root<wire::VerifyReply>()) {
    message->cursor = in.Text("cursor", t->cursor(), kMaxTextBytes);
    message->checked = t->checked();
    message->total = t->total();
    message->problems = in.Texts("problems", t->problems(), kMaxProblems, kMaxTextBytes);
  }
  return in.status();
}

}  // namespace augstore
