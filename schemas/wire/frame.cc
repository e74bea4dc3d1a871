#include "schemas/wire/frame.h"

#include <libdeflate.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "schemas/base/block_memory.h"

namespace augstore {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {'A', 'U', 'G', 'S'};
constexpr size_t kVersionAt = 4;
constexpr size_t kTypeAt = 6;
constexpr size_t kRequestIdAt = 8;
constexpr size_t kBodySizeAt = 12;
constexpr size_t kBodyCrcAt = 16;
constexpr size_t kHeaderCrcAt = 20;
using Header = std::array<uint8_t, kFrameHeaderBytes>;

template <typename T>
void PutLittleEndian(Header& header, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) header[at + i] = static_cast<uint8_t>(value >> (8 * i));
}

template <typename T>
T GetLittleEndian(const Header& header, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(T{header[at + i]} << (8 * i));
  return value;
}

uint32_t Crc32(const void* bytes, size_t size) {
  // A null pointer asks libdeflate for the initial value, which is also the CRC of nothing.
  return size == 0 ? 0 : libdeflate_crc32(0, bytes, size);
}

// The older side is the one to update. Magic, version and checksum have their places in every
// version of the protocol, so that both sides can say this.
Status RefuseVersion(Sender sender, uint16_t version) {
  const bool from_server = sender == Sender::kServer;
  const char* here = from_server ? "client" : "server";
  const char* there = from_server ? "server" : "client";
  return InvalidArgument("the {} speaks protocol version {}, this {} version {}: update the {}",
                         there, version, here, kProtocolVersion,
                         version > kProtocolVersion ? here : there);
}

}  // namespace

std::array<uint8_t, kFrameHeaderBytes> SealHeader(const Frame& frame) {
  const std::span<const uint8_t> body = frame.body.bytes;
  AUGSTORE_CHECK(body.size() <= std::numeric_limits<uint32_t>::max());
  Header header{};
  std::copy(kMagic.begin(), kMagic.end(), header.begin());
  PutLittleEndian(header, kVersionAt, kProtocolVersion);
  PutLittleEndian(header, kTypeAt, static_cast<uint16_t>(frame.type));
  PutLittleEndian(header, kRequestIdAt, frame.request_id);
  PutLittleEndian(header, kBodySizeAt, static_cast<uint32_t>(body.size()));
  PutLittleEndian(header, kBodyCrcAt, Crc32(body.data(), body.size()));
  PutLittleEndian(header, kHeaderCrcAt, Crc32(header.data(), kHeaderCrcAt));
  return header;
}

std::span<uint8_t> FrameReader::Prepare() {
  // After an error the bytes go nowhere: the caller has still to see the error from Next().
  if (!error_.ok()) return header_;
  if (!body_open_) return std::span(header_).subspan(header_filled_);
  AUGSTORE_CHECK(body_filled_ < body_size_);  // a frame is complete: Next() comes first
  if (body_ == nullptr) TakeMemory();
  if (!error_.ok()) return header_;
  return {body_.get() + body_filled_, body_size_ - body_filled_};
}

void FrameReader::Commit(size_t n) {
  if (!error_.ok()) return;
  AUGSTORE_CHECK(n <= (body_open_ ? body_size_ - body_filled_ : header_.size() - header_filled_));
  if (body_open_) {
    body_filled_ += n;
    return;
  }
  header_filled_ += n;
  if (header_filled_ == kFrameHeaderBytes) error_ = OpenBody();
  CheckInvariants();
}

// A wrong count here would be a write outside the body: so it is checked in every build.
void FrameReader::CheckInvariants() const {
  AUGSTORE_CHECK(header_filled_ <= kFrameHeaderBytes);
  AUGSTORE_CHECK(!body_open_ || header_filled_ == kFrameHeaderBytes);
  AUGSTORE_CHECK(body_open_ || body_ == nullptr);
  AUGSTORE_CHECK(!body_open_ || (body_filled_ <= body_size_ && body_size_ <= max_body_bytes_));
}

Status FrameReader::OpenBody() {
  // The magic first: a peer that speaks something else should read so, not "damaged".
  if (!std::equal(kMagic.begin(), kMagic.end(), header_.begin())) {
    return InvalidArgument(
        "the peer does not speak augstore's protocol: its frame starts with "
        "{:02x}{:02x}{:02x}{:02x}; "
        "check the address and whether both sides use TLS",
        header_[0], header_[1], header_[2], header_[3]);
  }
  if (Crc32(header_.data(), kHeaderCrcAt) != GetLittleEndian<uint32_t>(header_, kHeaderCrcAt))
    return DataLoss("a frame's header was damaged on its way: connect again");
  const auto version = GetLittleEndian<uint16_t>(header_, kVersionAt);
  if (version != kProtocolVersion) return RefuseVersion(sender_, version);
  const size_t size = GetLittleEndian<uint32_t>(header_, kBodySizeAt);
  if (size > max_body_bytes_) {
    return InvalidArgument(
        "a frame of type {} announces {} bytes, the limit is {}: ask for less or send less",
        GetLittleEndian<uint16_t>(header_, kTypeAt), size, max_body_bytes_);
  }
  body_size_ = size;
  body_filled_ = 0;
  body_open_ = true;
  return OkStatus();
}

void FrameReader::TakeMemory() {
  try {
    body_ = SharedBlock(body_size_);
  } catch (const std::bad_alloc&) {
    error_ = ResourceExhausted("no memory for a frame of {} bytes: retry later", body_size_);
  }
}

Result<std::optional<Frame>> FrameReader::Next() {
  AUGSTORE_TRY(error_);
  if (!body_open_ || body_filled_ < body_size_) return std::optional<Frame>();
  if (body_ == nullptr) TakeMemory();  // an empty body
  AUGSTORE_TRY(error_);
  if (Crc32(body_.get(), body_size_) != GetLittleEndian<uint32_t>(header_, kBodyCrcAt)) {
    error_ =
        DataLoss("a frame's body of {} bytes was damaged on its way: connect again", body_size_);
    return error_;
  }
  Frame frame;
  frame.type = MessageType{GetLittleEndian<uint16_t>(header_, kTypeAt)};
  frame.request_id = GetLittleEndian<uint32_t>(header_, kRequestIdAt);
  const std::span<const uint8_t> bytes(body_.get(), body_size_);
  frame.body = {std::exchange(body_, nullptr), bytes};
  body_open_ = false;
  header_filled_ = 0;
  CheckInvariants();
  return std::optional<Frame>(std::move(frame));
}

}  // namespace augstore
