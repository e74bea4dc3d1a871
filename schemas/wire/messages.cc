#include "schemas/wire/messages.h"

#include <cmath>
#include <utility>

#include "schemas/wire/message_fields.h"

namespace augstore {
namespace {

// What a body has for sure, so that building it does not move large vectors.
template <typename T>
size_t PayloadBytes(const T&) {
  return 0;
}
size_t PayloadBytes(const StatsReply& m) { return m.json.size(); }
size_t PayloadBytes(const JsonReply& m) { return m.json.size(); }
size_t PayloadBytes(const BackupReply& m) { return m.json.size(); }
size_t PayloadBytes(const BackupListReply& m) { return m.json.size(); }
size_t PayloadBytes(const RecordReply& m) { return m.record.size() + m.blob.size(); }
size_t PayloadBytes(const AddRecordRequest& m) { return m.record.size() + m.blob.size(); }
size_t PayloadBytes(const AppendRowsRequest& m) {
  return m.embeddings.rows() * m.embeddings.cols() * sizeof(float) +
         m.images.size() * sizeof(ContentHash) + m.feature_maps.bytes.size();
}

// What an ErrorReply says: a Status in two fields.
struct ErrorReply {
  uint8_t code = 0;
  std::string message;
};

}  // namespace

namespace codec {

AUGSTORE_FIELDS(ErrorReply, wire::ErrorReply, m.code, AtMost(m.message, kMaxTextBytes));

void CheckFields(Reader& in, const SetAliasRequest& m) {
  if (!std::isfinite(m.min_r2)) in.Fail("min_r2", "is not finite");
}

void CheckFields(Reader& in, const AppendRowsRequest& m) {
  const size_t rows = m.embeddings.rows();
  const size_t dim = m.embeddings.cols();
  if (!m.images.empty()) {  // else the server hashes the embeddings
    if (dim == 0) in.Fail("dim", "is 0: an embedding has at least one column");
    in.Equal("embeddings", rows * dim, m.images.size() * dim, "images x dim");
  }
  if (!m.sources.empty()) in.Equal("sources", m.sources.size(), m.images.size(), "images");
  const uint32_t values = m.feature_maps.values;
  in.Equal("feature_maps", m.feature_maps.bytes.size(),
           values == 0 ? 0 : rows * QuantizedRowBytes(values), "images x (feature_map_values + 8)");
}

}  // namespace codec

namespace {

// The Status that an ErrorReply carries, or why its body cannot be read. Never ok.
Status CarriedStatus(const SharedBytes& body) {
  ErrorReply error;
  AUGSTORE_TRY(DecodeBody(body, &error));
  const bool known = error.code > static_cast<uint8_t>(Code::kOk) &&
                     error.code <= static_cast<uint8_t>(Code::kInternal);
  if (known) return {Code{error.code}, std::move(error.message)};
  return Internal("{} (the peer sent the unknown error code {}: use the same release of augstore)",
                  error.message, error.code);
}

}  // namespace

template <typename T>
SharedBytes EncodeBody(const T& message) {
  codec::Builder b(PayloadBytes(message) + 1024);
  return b.Seal(codec::WriteTable(b, message));
}

template <typename T>
Status DecodeBody(const SharedBytes& body, T* message) {
  codec::Reader in(codec::Codec<T>::Table::Traits::name, body);
  return codec::ReadRoot(in, message);
}

#define AUGSTORE_MESSAGE(T, type)                    \
  template SharedBytes EncodeBody(const T& message); \
  template Status DecodeBody(const SharedBytes& body, T* message);
AUGSTORE_MESSAGES(AUGSTORE_MESSAGE)
#undef AUGSTORE_MESSAGE

std::string MessageTypeName(MessageType type) {
  switch (type) {
#define AUGSTORE_NAME(name, type) \
  case MessageType::k##name:      \
    return #name;
    AUGSTORE_FRAMES(AUGSTORE_NAME)
#undef AUGSTORE_NAME
  }
  return fmt::format("message type {}", static_cast<uint16_t>(type));
}

Frame ErrorFrame(const Status& status, uint32_t request_id) {
  AUGSTORE_CHECK(!status.ok());
  const ErrorReply error{static_cast<uint8_t>(status.code()),
                         status.message().substr(0, kMaxTextBytes)};
  return {MessageType::kErrorReply, request_id, EncodeBody(error)};
}

Status ExpectType(const Frame& frame, MessageType expected) {
  if (frame.type == expected) return OkStatus();
  if (frame.type == MessageType::kErrorReply) return CarriedStatus(frame.body);
  return InvalidArgument("expected {} but received {}: the two sides disagree about the protocol",
                         MessageTypeName(expected), MessageTypeName(frame.type));
}

}  // namespace augstore
