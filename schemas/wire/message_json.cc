#include "schemas/wire/message_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/records/json_fields.h"
#include "schemas/records/json_shape.h"
#include "schemas/wire/message_fields.h"

namespace augstore {
namespace {

using codec::Json;

template <typename Request>
Result<Frame> FromFields(const Json& fields) {
  Request message;
  AUGSTORE_TRY(codec::ReadJson(fields, &message));
  return ToFrame(message);
}

template <typename Record>
Result<Json> DecodedJson(const std::string& bytes) {
  AUGSTORE_ASSIGN(const Record record, Decode<Record>(bytes));
  return codec::WriteJson(record);
}

Result<Json> RecordJson(RecordKind kind, const std::string& bytes) {
  switch (kind) {
    case RecordKind::kBackbone:
      return DecodedJson<BackboneRecord>(bytes);
    case RecordKind::kCollection:
      return DecodedJson<CollectionRecord>(bytes);
    case RecordKind::kTransform:
      return DecodedJson<TransformRecord>(bytes);
    case RecordKind::kHead:
      return DecodedJson<HeadRecord>(bytes);
    case RecordKind::kAliases:
      return DecodedJson<AliasHistory>(bytes);
    case RecordKind::kSpace:
    case RecordKind::kDraft:
    case RecordKind::kKey:
    case RecordKind::kErasure:
      break;
  }
  return Internal("a reply has a record of kind {}", RecordKindName(kind));
}

template <typename Message>
Result<Json> MessageJson(const Message& message) {
  if constexpr (std::is_same_v<Message, RecordReply>) {
    Json json = codec::WriteJson(message);
    AUGSTORE_ASSIGN(json["record"], RecordJson(message.kind, message.record));
    return json;
  } else if constexpr (std::is_same_v<Message, RecordListReply>) {
    Json records = Json::array();
    for (const RecordReply& record : message.records) {
      AUGSTORE_ASSIGN(records.emplace_back(), MessageJson(record));
    }
    return Json{{"records", std::move(records)}, {"names", codec::JsonNumber(message.names)}};
  } else if constexpr (std::is_same_v<Message, BackupReply>) {
    Json json = codec::WriteJson(message);
    json["json"] = message.json.empty() ? Json() : Json::parse(message.json);
    return json;
  } else if constexpr (requires { message.json; }) {
    return Json::parse(message.json);
  } else {
    return codec::WriteJson(message);
  }
}

template <typename T>
Json ListOf(std::span<const T> values) {
  Json list = Json::array();
  for (const T value : values) list.push_back(codec::JsonNumber(value));
  return list;
}

Result<Json> BatchJson(const Frame& frame) {
  AUGSTORE_ASSIGN(const Batch batch, BatchFromFrame(frame));
  Json rows = Json::array();
  for (size_t row = 0; row < batch.size(); ++row) {
    rows.push_back(ListOf(batch.embeddings.row(row)));
  }
  return Json{{"epoch", codec::JsonNumber(batch.epoch)},
              {"step", codec::JsonNumber(batch.step)},
              {"dim", batch.embeddings.cols},
              {"sample_ids", ListOf(batch.samples)},
              {"labels", ListOf(batch.labels)},
              {"chains", ListOf(batch.chains)},
              {"rows", std::move(rows)}};
}

template <typename Reply>
Result<Json> FrameJson(const Frame& frame) {
  AUGSTORE_ASSIGN(const Reply reply, FromFrame<Reply>(frame));
  return MessageJson(reply);
}

Json NumbersShape() { return {{"type", "array"}, {"items", {{"type", "number"}}}}; }

// Stands for a message that has no list of fields.
struct BatchReply {};

template <typename Reply>
Json ReplyShape() {
  if constexpr (std::is_same_v<Reply, BatchReply>) {
    Json shape = {{"type", "object"}, {"properties", Json::object()}};
    for (const char* name : {"epoch", "step", "dim"}) {
      shape["properties"][name] = {{"type", "integer"}};
    }
    for (const char* name : {"sample_ids", "labels", "chains"}) {
      shape["properties"][name] = NumbersShape();
    }
    shape["properties"]["rows"] = {{"type", "array"}, {"items", NumbersShape()}};
    return shape;
  } else if constexpr (std::is_same_v<Reply, BackupReply> || !requires { Reply{}.json; }) {
    Json shape = codec::JsonShapeOf<Reply>();
    Json& fields = shape["properties"];
    if constexpr (std::is_same_v<Reply, RecordReply>) {
      fields["record"] = {{"type", "object"}};
    } else if constexpr (std::is_same_v<Reply, RecordListReply>) {
      fields["records"]["items"]["properties"]["record"] = {{"type", "object"}};
    } else if constexpr (std::is_same_v<Reply, BackupReply>) {
      fields["json"] = {{"type", Json::array({"object", "null"})}};
    }
    return shape;
  } else {
    return {{"type", "object"}};
  }
}

}  // namespace

std::optional<MessageType> FindJsonRequest(std::string_view name) {
#define AUGSTORE_FIND(Name, Reply) \
  if (name == #Name) return MessageType::k##Name##Request;
  AUGSTORE_JSON_REQUESTS(AUGSTORE_FIND)
#undef AUGSTORE_FIND
  return std::nullopt;
}

Result<Frame> RequestFromJson(MessageType type, const Json& fields) {
  switch (type) {
#define AUGSTORE_READ(Name, Reply)    \
  case MessageType::k##Name##Request: \
    return FromFields<Name##Request>(fields);
    AUGSTORE_JSON_REQUESTS(AUGSTORE_READ)
#undef AUGSTORE_READ
    default:
      return Internal("{} has no JSON form", MessageTypeName(type));
  }
}

Json JsonRequestSchemas() {
  Json schemas = Json::object();
#define AUGSTORE_DESCRIBE(Name, Reply)                                \
  schemas[#Name] = {{"request", codec::JsonShapeOf<Name##Request>()}, \
                    {"reply", ReplyShape<Reply>()}};
  AUGSTORE_JSON_REQUESTS(AUGSTORE_DESCRIBE)
#undef AUGSTORE_DESCRIBE
  return schemas;
}

Result<Json> ReplyToJson(const Frame& frame) {
  switch (frame.type) {
    case MessageType::kBatchReply:
      return BatchJson(frame);
#define AUGSTORE_WRITE(Reply) \
  case MessageType::k##Reply: \
    return FrameJson<Reply>(frame);
      AUGSTORE_JSON_REPLIES(AUGSTORE_WRITE)
#undef AUGSTORE_WRITE
    default:
      AUGSTORE_TRY(ExpectType(frame, MessageType::kEndReply));  // of an ErrorReply, its Status
      return Internal("{} has no JSON form", MessageTypeName(frame.type));
  }
}

}  // namespace augstore
