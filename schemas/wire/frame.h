// Framing: bytes in, whole frames out, no sockets (sans-IO).
//
//   frame  := header body
//   header := magic "AUGS" · version u16 · type u16 · request id u32 · body size u32 · body crc32
//   u32 · header crc32 u32
//
// 24 bytes, little-endian; CRC-32 as in zlib; the header's covers its first 20 bytes. The request
// id is echoed in every reply frame. A damaged header ends the connection; nothing is allocated
// before the header was checked.
#ifndef AUGSTORE_SCHEMAS_WIRE_FRAME_H_
#define AUGSTORE_SCHEMAS_WIRE_FRAME_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "schemas/base/types.h"

namespace augstore {

inline constexpr uint16_t kProtocolVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 24;

// On the wire: never change a number. Requests are below 100, replies from 100 on.
enum class MessageType : uint16_t {
  kServerInfoRequest = 1,
  kGetRecordRequest = 2,
  kListRecordsRequest = 3,
  kAddRecordRequest = 4,
  kDeleteRecordRequest = 5,
  kSetAliasRequest = 6,
  kFindImagesRequest = 7,
  kAppendRowsRequest = 8,
  kReadRowsRequest = 9,
  kBeginDraftRequest = 10,
  kAppendSamplesRequest = 11,
  kCommitDraftRequest = 12,
  kAbortDraftRequest = 13,
  kGetSamplesRequest = 14,
  kQueryRequest = 15,
  kOpenStreamRequest = 16,
  kBatchesRequest = 17,
  kStatsRequest = 18,
  kVerifyRequest = 19,
  kShareMemoryRequest = 20,
  kErrorReply = 100,
  kServerInfoReply = 101,
  kRecordReply = 102,
  kRecordListReply = 103,
  kRowIdsReply = 104,
  kDraftReply = 105,
  kSamplesReply = 106,
  kBatchReply = 107,  // query, read rows, and each batch of a run
  kEndReply = 108,    // an operation without a result; the end of a run of batches
  kStreamReply = 109,
  kStatsReply = 110,
  kVerifyReply = 111,
  kShareMemoryReply = 112,
  kSharedBodyReply = 113,
};

struct Frame {
  MessageType type = MessageType::kErrorReply;  // from a peer: any number, not only the named ones
  uint32_t request_id = 0;
  SharedBytes body;  // at a multiple of kAlignment
};

// The 24 bytes that go before frame.body. REQUIRES: the body is smaller than 4 GiB.
std::array<uint8_t, kFrameHeaderBytes> SealHeader(const Frame& frame);

// Cuts a stream of bytes into frames. Use: read up to Prepare().size() bytes into Prepare(),
// Commit(n), then Next() until it gives nothing. Memory: never more than one body of at most
// max_body_bytes. Not thread-safe.
class FrameReader {
 public:
  explicit FrameReader(size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  // Where the next bytes of the peer go: what the current frame still needs, never more, never
  // empty; valid until Commit(). REQUIRES: no complete frame waits in Next().
  std::span<uint8_t> Prepare();
  // `n` bytes were written to Prepare(). REQUIRES: n <= Prepare().size().
  void Commit(size_t n);
  // The frame that is complete, if one is. Errors: kInvalidArgument (magic, version, size over the
  // limit), kDataLoss (a CRC), kResourceExhausted (no memory); after an error the reader is
  // unusable and the connection must be closed.
  Result<std::optional<Frame>> Next();
  // True in the middle of a frame: the peer's end-of-file here is a truncation.
  bool InFrame() const { return header_filled_ > 0; }

 private:
  Status OpenBody();

  size_t max_body_bytes_;
  std::array<uint8_t, kFrameHeaderBytes> header_{};
  size_t header_filled_ = 0;
  std::shared_ptr<uint8_t[]> body_;
  size_t body_size_ = 0;
  size_t body_filled_ = 0;
  bool body_open_ = false;
  Status error_;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_FRAME_H_
