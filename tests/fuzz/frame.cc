#include "schemas/wire/frame.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

constexpr size_t kMaxBody = 16384;

uint32_t ReadU32(const uint8_t* at) {
  uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void WriteU32(uint8_t* at, uint32_t value) { std::memcpy(at, &value, sizeof value); }

// Sets the checksums of all frames, so that bytes that nobody could guess stop nothing.
void Seal(std::span<uint8_t> bytes) {
  while (bytes.size() >= kFrameHeaderBytes) {
    const size_t size = std::min<size_t>(ReadU32(&bytes[12]), bytes.size() - kFrameHeaderBytes);
    const std::span<uint8_t> body = bytes.subspan(kFrameHeaderBytes, size);
    WriteU32(&bytes[16], body.empty() ? 0 : libdeflate_crc32(0, body.data(), body.size()));
    WriteU32(&bytes[20], libdeflate_crc32(0, bytes.data(), 20));
    bytes = bytes.subspan(kFrameHeaderBytes + size);
  }
}

}  // namespace

// The first byte: 1 in the lowest bit seals the frames, the others cut the stream into pieces.
void Fuzz_frame(Bytes input) {
  if (input.empty()) return;
  const size_t most = input[0] / 2 + 1;
  std::string stream(Text(input.subspan(1)));
  if (input[0] & 1) Seal({reinterpret_cast<uint8_t*>(stream.data()), stream.size()});

  FrameReader reader(kMaxBody);
  std::string read;  // of the frames that came out, written again
  size_t at = 0;
  while (true) {
    const Result<std::optional<Frame>> next = reader.Next();
    if (!next.ok()) {
      AUGSTORE_CHECK(!reader.Next().ok() && !reader.Prepare().empty());
      return;
    }
    if (next->has_value()) {
      const Frame& frame = **next;
      AUGSTORE_CHECK(!reader.InFrame() && frame.body.bytes.size() <= kMaxBody);
      AUGSTORE_CHECK(reinterpret_cast<uintptr_t>(frame.body.bytes.data()) % kAlignment == 0);
      const auto header = SealHeader(frame);
      read.append(header.begin(), header.end()).append(frame.body.text());
      AUGSTORE_CHECK(read == std::string_view(stream).substr(0, at));
      continue;
    }
    if (at == stream.size()) break;
    const std::span<uint8_t> space = reader.Prepare();
    AUGSTORE_CHECK(!space.empty());
    const size_t count = std::min({space.size(), stream.size() - at, most});
    std::copy_n(stream.data() + at, count, space.begin());
    reader.Commit(count);
    at += count;
  }
  AUGSTORE_CHECK(reader.InFrame() == (read.size() < at));
}

}  // namespace augstore::fuzz
