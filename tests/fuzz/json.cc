#include "schemas/wire/message_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "schemas/wire/messages.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

constexpr std::string_view kNames[] = {
#define AUGSTORE_NAME(Name, Reply) #Name,
    AUGSTORE_JSON_REQUESTS(AUGSTORE_NAME)
#undef AUGSTORE_NAME
};

// What the server would read of a frame that was made of JSON: as of any client's.
Status Decode(const Frame& frame) {
  switch (frame.type) {
#define AUGSTORE_DECODE(Name, Reply)  \
  case MessageType::k##Name##Request: \
    return FromFrame<Name##Request>(frame).status();
    AUGSTORE_JSON_REQUESTS(AUGSTORE_DECODE)
#undef AUGSTORE_DECODE
    default:
      AUGSTORE_CHECK(false);
  }
  return OkStatus();
}

}  // namespace

// The input is a request of the HTTP API: its first byte says which, the rest is the body. What is
// no JSON object of its fields is refused as the client's fault, and what is read becomes a frame
// that a server reads, or refuses for its limits.
void Fuzz_json(Bytes input) {
  if (input.empty()) return;
  const std::optional<MessageType> type = FindJsonRequest(kNames[input[0] % std::size(kNames)]);
  AUGSTORE_CHECK(type.has_value());
  const auto fields =
      nlohmann::ordered_json::parse(Text(input.subspan(1)), nullptr, /*allow_exceptions=*/false);
  if (fields.is_discarded()) return;
  const Result<Frame> frame = RequestFromJson(*type, fields);
  const Status read = frame.ok() ? Decode(*frame) : frame.status();
  AUGSTORE_CHECK(read.ok() || read.code() == Code::kInvalidArgument);
}

}  // namespace augstore::fuzz
