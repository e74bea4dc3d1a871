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

// Every message that is a plain struct of its name in schemas/wire/messages.h: X(name, type). On
// the wire: never change a number. Requests are below 100, replies from 100 on.
#define AUGSTORE_MESSAGES(X)       \
  X(ServerInfoRequest, 1)          \
  X(GetRecordRequest, 2)           \
  X(ListRecordsRequest, 3)         \
  X(AddRecordRequest, 4)           \
  X(DeleteRecordRequest, 5)        \
  X(SetAliasRequest, 6)            \
  X(FindImagesRequest, 7)          \
  X(AppendRowsRequest, 8)          \
  X(ReadRowsRequest, 9)            \
  X(BeginDraftRequest, 10)         \
  X(AppendSamplesRequest, 11)      \
  X(CommitDraftRequest, 12)        \
  X(AbortDraftRequest, 13)         \
  X(GetSamplesRequest, 14)         \
  X(QueryRequest, 15)              \
  X(OpenStreamRequest, 16)         \
  X(BatchesRequest, 17)            \
  X(StatsRequest, 18)              \
  X(VerifyRequest, 19)             \
  X(ShareMemoryRequest, 20)        \
  X(CompareDraftRequest, 21)       \
  X(AppendViewsRequest, 33)        \
  X(AuthenticateRequest, 22)       \
  X(CreateKeyRequest, 23)          \
  X(ListKeysRequest, 24)           \
  X(RevokeKeyRequest, 25)          \
  X(RotateKeyRequest, 26)          \
  X(RepairRowsRequest, 30)         \
  X(GarbageRequest, 31)            \
  X(EraseSampleRequest, 32)        \
  X(StartBackupRequest, 40)        \
  X(GetBackupRequest, 41)          \
  X(StopBackupRequest, 42)         \
  X(ListBackupsRequest, 43)        \
  X(SetTraceRequest, 50)           \
  X(BrowseRequest, 51)             \
  X(DescribeCollectionRequest, 52) \
  X(ProjectRequest, 53)            \
  X(StopStreamRequest, 54)         \
  X(ReadAuditRequest, 55)          \
  X(ConfigRequest, 56)             \
  X(ServerInfoReply, 101)          \
  X(RecordReply, 102)              \
  X(RecordListReply, 103)          \
  X(RowIdsReply, 104)              \
  X(DraftReply, 105)               \
  X(SamplesReply, 106)             \
  X(EndReply, 108)                 \
  X(StreamReply, 109)              \
  X(StatsReply, 110)               \
  X(VerifyReply, 111)              \
  X(ShareMemoryReply, 112)         \
  X(SharedBodyReply, 113)          \
  X(DraftChangesReply, 114)        \
  X(AuthenticateReply, 115)        \
  X(KeyReply, 116)                 \
  X(KeyListReply, 117)             \
  X(DraftProgressReply, 120)       \
  X(RepairRowsReply, 121)          \
  X(DeletionReply, 122)            \
  X(GarbageReply, 123)             \
  X(EraseSampleReply, 124)         \
  X(BackupReply, 130)              \
  X(BackupListReply, 131)          \
  X(JsonReply, 132)

// All frames: also the Status of a request that failed, and a batch (schemas/wire/batch.h), which
// answers a query, a reading of rows, and each step of a run.
#define AUGSTORE_FRAMES(X) \
  AUGSTORE_MESSAGES(X)     \
  X(ErrorReply, 100)       \
  X(BatchReply, 107)

enum class MessageType : uint16_t {
#define AUGSTORE_ENUMERATOR(name, type) k##name = type,
  AUGSTORE_FRAMES(AUGSTORE_ENUMERATOR)
#undef AUGSTORE_ENUMERATOR
};

struct Frame {
  MessageType type = MessageType::kErrorReply;  // from a peer: any number, not only the named ones
  uint32_t request_id = 0;
  SharedBytes body;  // at a multiple of kAlignment
};

// The 24 bytes that go before frame.body. REQUIRES: the body is smaller than 4 GiB.
std::array<uint8_t, kFrameHeaderBytes> SealHeader(const Frame& frame);

// Who sends what is read: a refusal of its protocol version says which side to update.
enum class Sender : uint8_t { kServer, kClient };

// Cuts a stream of bytes into frames. Use: read up to Prepare().size() bytes into Prepare(),
// Commit(n), then Next() until it returns nothing. Memory: never more than one body of at most
// max_body_bytes. Not thread-safe.
class FrameReader {
 public:
  explicit FrameReader(size_t max_body_bytes, Sender sender = Sender::kServer)
      : max_body_bytes_(max_body_bytes), sender_(sender) {}

  // Where the next bytes of the peer go: what the current frame still needs, never more, never
  // empty; valid until Commit(). Memory for a body is taken by the first call after its header
  // came. REQUIRES: no complete frame waits in Next().
  std::span<uint8_t> Prepare();
  // `n` bytes were written to Prepare(). REQUIRES: n <= Prepare().size().
  void Commit(size_t n);
  // The frame that is complete, if one is. Errors: kInvalidArgument (magic, version, size over the
  // limit), kDataLoss (a CRC), kResourceExhausted (no memory); after an error the reader is
  // unusable and the connection must be closed.
  Result<std::optional<Frame>> Next();
  // True in the middle of a frame: the peer's end-of-file here is a truncation.
  bool InFrame() const { return header_filled_ > 0; }
  // Bytes of the body of the frame that has begun; 0 until its header is complete.
  size_t body_bytes() const { return body_open_ ? body_size_ : 0; }

 private:
  Status OpenBody();
  void TakeMemory();
  void CheckInvariants() const;

  size_t max_body_bytes_;
  Sender sender_;
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
