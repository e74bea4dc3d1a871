// The messages about records.
#include <cmath>

#include "schemas/records/codec.h"
#include "schemas/wire/messages.h"
#include "schemas/wire_generated.h"

namespace augstore {
namespace {

namespace wire = fb::wire;
using codec::Builder;
using codec::Offset;
using codec::Reader;

constexpr size_t kSlackBytes = 1024;  // everything but the byte vectors

Offset<wire::RecordReply> PutRecord(Builder& b, const RecordReply& message) {
  const auto name = b.PutText(message.name);
  const auto record = b.PutBytes(message.record);
  const auto blob = b.PutBytes(message.blob);
  return wire::CreateRecordReply(b, static_cast<uint8_t>(message.kind), name, message.version,
                                 record, blob);
}

RecordReply ReadRecord(Reader& in, const wire::RecordReply& t) {
  RecordReply reply;
  reply.kind = in.Kind("kind", t.kind());
  reply.name = in.Text("name", t.name(), kMaxRefBytes);
  reply.version = t.version();
  reply.record = in.Bytes("record", t.record(), kMaxRecordBytes);
  reply.blob = in.Bytes("blob", t.blob(), kMaxWeightsBytes);
  return reply;
}

}  // namespace

SharedBytes EncodeBody(const GetRecordRequest& message) {
  Builder b;
  const auto ref = b.PutText(message.ref);
  return b.Seal(
      wire::CreateGetRecordRequest(b, static_cast<uint8_t>(message.kind), ref, message.with_blob));
}
Status DecodeBody(const SharedBytes& body, GetRecordRequest* message) {
  Reader in("GetRecordRequest", body);
  if (const auto* t = in.Root<wire::GetRecordRequest>()) {
    message->kind = in.Kind("kind", t->kind());
    message->ref = in.Text("ref", t->ref(), kMaxRefBytes);
    message->with_blob = t->with_blob();
  }
  return in.status();
}

SharedBytes EncodeBody(const RecordReply& message) {
  Builder b(message.record.size() + message.blob.size() + kSlackBytes);
  return b.Seal(PutRecord(b, message));
}
Status DecodeBody(const SharedBytes& body, RecordReply* message) {
  Reader in("RecordReply", body);
  if (const auto* t = in.Root<wire::RecordReply>()) *message = ReadRecord(in, *t);
  return in.status();
}

SharedBytes EncodeBody(const ListRecordsRequest& message) {
  Builder b;
  const auto name = b.PutText(message.name);
  return b.Seal(wire::CreateListRecordsRequest(b, static_cast<uint8_t>(message.kind), name));
}
Status DecodeBody(const SharedBytes& body, ListRecordsRequest* message) {
  Reader in("ListRecordsRequest", body);
  if (const auto* t = in.Root<wire::ListRecordsRequest>()) {
    message->kind = in.Kind("kind", t->kind());
    message->name = in.Text("name", t->name(), kMaxRefBytes);
  }
  return in.status();
}

SharedBytes EncodeBody(const RecordListReply& message) {
  Builder b;
  std::vector<Offset<wire::RecordReply>> tables;
  for (const RecordReply& record : message.records) tables.push_back(PutRecord(b, record));
  const auto records = b.PutTables(tables);
  return b.Seal(wire::CreateRecordListReply(b, records));
}
Status DecodeBody(const SharedBytes& body, RecordListReply* message) {
  Reader in("RecordListReply", body);
  const auto* t = in.Root<wire::RecordListReply>();
  if (t == nullptr || t->records() == nullptr) return in.status();
  if (!in.AtMost("records", t->records()->size(), kMaxListedRecords)) return in.status();
  for (const auto* record : *t->records()) message->records.push_back(ReadRecord(in, *record));
  return in.status();
}

SharedBytes EncodeBody(const AddRecordRequest& message) {
  Builder b(message.record.size() + message.blob.size() + kSlackBytes);
  const auto name = b.PutText(message.name);
  const auto record = b.PutBytes(message.record);
  const auto blob = b.PutBytes(message.blob);
  return b.Seal(
      wire::CreateAddRecordRequest(b, static_cast<uint8_t>(message.kind), name, record, blob));
}
Status DecodeBody(const SharedBytes& body, AddRecordRequest* message) {
  Reader in("AddRecordRequest", body);
  if (const auto* t = in.Root<wire::AddRecordRequest>()) {
    message->kind = in.Kind("kind", t->kind());
    message->name = in.Text("name", t->name(), kMaxNameBytes);
    message->record = in.Bytes("record", t->record(), kMaxRecordBytes);
    message->blob = in.Bytes("blob", t->blob(), kMaxWeightsBytes);
  }
  return in.status();
}

SharedBytes EncodeBody(const DeleteRecordRequest& message) {
  Builder b;
  const auto ref = b.PutText(message.ref);
  return b.Seal(wire::CreateDeleteRecordRequest(b, static_cast<uint8_t>(message.kind), ref));
}
Status DecodeBody(const SharedBytes& body, DeleteRecordRequest* message) {
  Reader in("DeleteRecordRequest", body);
  if (const auto* t = in.Root<wire::DeleteRecordRequest>()) {
    message->kind = in.Kind("kind", t->kind());
    message->ref = in.Text("ref", t->ref(), kMaxRefBytes);
  }
  return in.status();
}

SharedBytes EncodeBody(const SetAliasRequest& message) {
  Builder b;
  const auto name = b.PutText(message.name);
  const auto alias = b.PutText(message.alias);
  const auto note = b.PutText(message.note);
  return b.Seal(wire::CreateSetAliasRequest(b, static_cast<uint8_t>(message.kind), name, alias,
                                            message.version, note, message.force, message.min_r2));
}
Status DecodeBody(const SharedBytes& body, SetAliasRequest* message) {
  Reader in("SetAliasRequest", body);
  if (const auto* t = in.Root<wire::SetAliasRequest>()) {
    message->kind = in.Kind("kind", t->kind());
    message->name = in.Text("name", t->name(), kMaxNameBytes);
    message->alias = in.Text("alias", t->alias(), kMaxNameBytes);
    message->version = t->version();
    message->note = in.Text("note", t->note(), kMaxTextBytes);
    message->min_r2 = t->min_r2();
    if (!std::isfinite(message->min_r2)) in.Fail("min_r2", "is not finite");
    message->force = t->force();
  }
  return in.status();
}

}  // namespace augstore
