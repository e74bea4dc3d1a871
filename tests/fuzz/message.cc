#include "schemas/wire/messages.h"

#include <memory>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

// Equal messages have equal bytes, and whatever the fields of a message that was read are, it can
// be written, and read by the other side.
template <typename T>
void CheckRoundTrip(const Frame& frame) {
  const Result<T> message = FromFrame<T>(frame);
  if (!message.ok()) return AUGSTORE_CHECK(!message.status().message().empty());
  const Frame written = ToFrame(*message, frame.request_id);
  const Result<T> again = FromFrame<T>(written);
  AUGSTORE_CHECK(again.ok());
  const Frame rewritten = ToFrame(*again, frame.request_id);
  AUGSTORE_CHECK(written.body.text() == rewritten.body.text());
}

}  // namespace

// The input is a whole frame. Of its header only the type counts: frame.cc has the rest.
void Fuzz_message(Bytes input) {
  if (input.size() < kFrameHeaderBytes) return;
  // A copy of exactly the body's size shows the sanitizer each byte that is read after its end.
  const Bytes rest = input.subspan(kFrameHeaderBytes);
  Frame frame;
  frame.type = MessageType{static_cast<uint16_t>(input[6] | input[7] << 8)};
  frame.body = SharedBytes::FromString(std::string(Text(rest)));
  AUGSTORE_CHECK(!MessageTypeName(frame.type).empty());
  switch (frame.type) {
#define AUGSTORE_CASE(T, type) \
  case MessageType::k##T:      \
    return CheckRoundTrip<T>(frame);
    AUGSTORE_MESSAGES(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:  // an ErrorReply carries a status, another type is refused
      const Status status = ExpectType(frame, MessageType::kEndReply);
      AUGSTORE_CHECK(!status.ok());
      if (frame.type != MessageType::kErrorReply) return;
      const Status again = ExpectType(ErrorFrame(status, 1), MessageType::kEndReply);
      AUGSTORE_CHECK(again.ToString() == status.ToString());
  }
}

}  // namespace augstore::fuzz
