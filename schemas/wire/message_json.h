// Messages as JSON objects, for people and programs that speak HTTP (docs/http-api.md). Fields have
// the names of schemas/wire.fbs; schemas/records/json_fields.h says how values look.
#ifndef AUGSTORE_SCHEMAS_WIRE_MESSAGE_JSON_H_
#define AUGSTORE_SCHEMAS_WIRE_MESSAGE_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "schemas/wire/frame.h"

namespace augstore {

// X(Name, Reply): NameRequest has a JSON form, and is answered by one frame, of the message Reply.
// These are all requests but those that carry embeddings or records, and those about their
// connection.
#define AUGSTORE_JSON_REQUESTS(X)  \
  X(ServerInfo, ServerInfoReply)   \
  X(Stats, StatsReply)             \
  X(ListRecords, RecordListReply)  \
  X(Browse, RecordListReply)       \
  X(GetRecord, RecordReply)        \
  X(GetSamples, SamplesReply)      \
  X(DescribeCollection, JsonReply) \
  X(Project, JsonReply)            \
  X(Query, BatchReply)             \
  X(OpenStream, StreamReply)       \
  X(Batches, BatchReply)           \
  X(SetAlias, EndReply)            \
  X(DeleteRecord, DeletionReply)   \
  X(Verify, VerifyReply)           \
  X(RepairRows, RepairRowsReply)   \
  X(Garbage, GarbageReply)         \
  X(EraseSample, EraseSampleReply) \
  X(StopStream, EndReply)          \
  X(ReadAudit, JsonReply)          \
  X(Config, JsonReply)             \
  X(CreateKey, KeyReply)           \
  X(ListKeys, KeyListReply)        \
  X(RevokeKey, EndReply)           \
  X(RotateKey, KeyReply)           \
  X(StartBackup, BackupReply)      \
  X(GetBackup, BackupReply)        \
  X(StopBackup, BackupReply)       \
  X(ListBackups, BackupListReply)

// Each Reply once, but BatchReply.
#define AUGSTORE_JSON_REPLIES(X) \
  X(ServerInfoReply)             \
  X(StatsReply)                  \
  X(RecordListReply)             \
  X(RecordReply)                 \
  X(SamplesReply)                \
  X(StreamReply)                 \
  X(EndReply)                    \
  X(DeletionReply)               \
  X(VerifyReply)                 \
  X(RepairRowsReply)             \
  X(GarbageReply)                \
  X(EraseSampleReply)            \
  X(KeyReply)                    \
  X(KeyListReply)                \
  X(BackupReply)                 \
  X(BackupListReply)             \
  X(JsonReply)

// The request "Query" of AUGSTORE_JSON_REQUESTS; nothing for any other name.
std::optional<MessageType> FindJsonRequest(std::string_view name);
// The frame of a request from its fields; those that are absent are as by default. REQUIRES: `type`
// is of AUGSTORE_JSON_REQUESTS. Errors: kInvalidArgument, naming the field.
Result<Frame> RequestFromJson(MessageType type, const nlohmann::ordered_json& fields);
// What a server answered. A record is decoded; a reply that has a text of JSON is that JSON.
// Errors: the Status that an ErrorReply carries; those of FromFrame; kDataLoss (a record).
Result<nlohmann::ordered_json> ReplyToJson(const Frame& frame);
// {"Query": {"request": JSON schema, "reply": JSON schema}, …} of AUGSTORE_JSON_REQUESTS.
nlohmann::ordered_json JsonRequestSchemas();

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_MESSAGE_JSON_H_
