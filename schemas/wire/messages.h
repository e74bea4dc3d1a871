// What client and server say to each other: plain structs and their FlatBuffer encoding
// (schemas/wire.fbs). A frame's type names the table in its body. The order of messages is in
// docs/protocol.md.
//
// ToFrame(message) seals a struct; FromFrame<Message>(frame) checks the type, verifies the buffer
// with our limits and checks every length and enum. Errors of FromFrame: kInvalidArgument, naming
// the message and the field; and when the frame is an ErrorReply, the Status that it carries.
#ifndef AUGSTORE_SCHEMAS_WIRE_MESSAGES_H_
#define AUGSTORE_SCHEMAS_WIRE_MESSAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/records/deletion.h"
#include "schemas/records/drafts.h"
#include "schemas/records/erasure.h"
#include "schemas/records/garbage.h"
#include "schemas/records/keys.h"
#include "schemas/records/records.h"
#include "schemas/weights/dtype.h"
#include "schemas/weights/quantized_rows.h"
#include "schemas/wire/batch.h"
#include "schemas/wire/frame.h"
#include "schemas/wire/stream.h"

namespace augstore {

// --- Server ---
struct ServerInfoRequest {};
struct ServerInfoReply {
  std::string version;   // of augstore
  std::string store_id;  // random, made with the store: tells a restarted server from another store
};
struct StatsRequest {};
struct StatsReply {
  std::string json;  // keys: docs/cli.md
};
// Checks a bounded part of the store per call; start with an empty cursor, go on until `cursor`
// comes back empty.
struct VerifyRequest {
  std::string cursor;
};
using VerifyReply = VerifyStep;
// Looks for lost rows in the same way. With `apply` their images are taken out of the index, so
// that storing them again gives them new rows.
struct RepairRowsRequest {
  std::string cursor;
  bool apply = false;
};
using RepairRowsReply = RepairRowsStep;
// Looks for rows that nothing names. Each call does a second's work at most; `run` 0 begins anew,
// then it is the reply's.
struct GarbageRequest {
  uint64_t run = 0;
  bool apply = false;  // of a new run: give their space back
  bool pairs = false;  // also that of pairs of images that no sample names
};
struct GarbageReply {
  uint64_t run = 0;
  GarbageStep step;  // its phase is empty: the run is over
};
// Erases an image from every collection version. Each call does a second's work at most, but the
// last; `run` 0 begins anew, then it is the reply's.
struct EraseSampleRequest {
  uint64_t run = 0;
  ErasureTarget target;  // of a new run
};
struct EraseSampleReply {
  uint64_t run = 0;
  ErasureStep step;  // its phase is empty: the run is over
};
// Answers an operation without a result, and ends a run of batches.
struct EndReply {};

// --- Access (docs/security.md) ---
// The first request of a connection where keys are demanded.
struct AuthenticateRequest {
  std::string key;  // "augs_<id>_<secret>"
};
struct AuthenticateReply {
  std::string store_id;  // as that of ServerInfoReply
  std::string key;       // its id
  Role role = Role::kRead;
  std::string scope;  // of the key
};
struct CreateKeyRequest {
  Role role = Role::kRead;
  std::string scope;           // collections, or "prefix*", separated by blanks; empty: all
  int64_t expires_unix_s = 0;  // 0: never
  std::string note;            // for people
};
// The one message that holds a secret from the server.
struct KeyReply {
  KeyInfo key;
  std::string text;  // "augs_<id>_<secret>"
};
struct ListKeysRequest {};
struct KeyListReply {
  std::vector<KeyInfo> keys;  // by time of creation
};
struct RevokeKeyRequest {
  std::string id;
};
// Makes a new secret. The one before ends after `grace_s`.
struct RotateKeyRequest {
  std::string id;
  uint64_t grace_s = 0;
};

// --- Traces (schemas/base/trace_context.h) ---
// The requests that follow on this connection belong to this trace. Answered by EndReply.
struct SetTraceRequest {
  std::string traceparent;  // empty: to none
};

// --- Memory that client and server share (schemas/wire/shared_bodies.h) ---
struct ShareMemoryRequest {};
// Comes with two descriptors: of the slots' flags and of the bodies.
struct ShareMemoryReply {
  uint64_t bytes = 0;  // of the bodies
  uint32_t slots = 0;  // flags
};
// In place of a frame whose body is in that memory.
struct SharedBodyReply {
  MessageType type = MessageType::kBatchReply;  // of that frame
  uint32_t slot = 0;                            // whose flag the reader clears when it is done
  uint64_t offset = 0;
  uint32_t size = 0;
};

// --- Registry ---
struct GetRecordRequest {
  RecordKind kind = RecordKind::kCollection;
  std::string ref;  // "name", "name@3", "name@alias"; for kAliases "<kind>/<name>"
  bool with_blob = false;
};
struct RecordReply {
  RecordKind kind = RecordKind::kCollection;
  std::string name;
  uint32_t version = 0;
  std::string record;  // Decode<…Record> of it
  std::string blob;    // weights as safetensors, when asked for
};
struct ListRecordsRequest {
  RecordKind kind = RecordKind::kCollection;
  std::string name;  // empty: all names
};
struct RecordListReply {
  std::vector<RecordReply> records;  // by name, then version; without blobs
  uint64_t names = 0;                // of BrowseRequest: that contain `find`, in all
};
// The latest version of each name, a page at a time. Answered by RecordListReply.
struct BrowseRequest {
  RecordKind kind = RecordKind::kCollection;
  std::string find = {};   // part of the names, whatever their case
  std::string after = {};  // names that come after this one
  uint32_t limit = 0;      // of names; 0: 50, at most 200
};
// Adds the next version of a backbone, a transform or a head. Answered by RecordReply (record and
// blob empty).
struct AddRecordRequest {
  RecordKind kind = RecordKind::kTransform;
  std::string name;
  std::string record;
  std::string blob;
};
// A version, or all versions of a name; answered by DeletionReply.
struct DeleteRecordRequest {
  RecordKind kind = RecordKind::kCollection;
  std::string ref;
  bool cascade = false;  // with what names it; else refused if anything does
  bool preview = false;  // delete nothing: only say what `cascade` would delete
};
using DeletionReply = Deletion;
struct SetAliasRequest {
  RecordKind kind = RecordKind::kTransform;
  std::string name;
  std::string alias;
  uint32_t version = 0;
  std::string note;
  // An alias of a transform moves to a version whose card shows G above this on held-out pairs,
  // with its whole interval; to any other only by force, which its history records.
  double min_r2 = 0;
  bool force = false;
};

// --- Embeddings of a space (one backbone, one stored dtype) ---
struct FindImagesRequest {
  Digest backbone;
  std::vector<ContentHash> images;
  Dtype dtype = Dtype::kF32;
};
struct RowIdsReply {
  std::vector<RowId> rows;  // kNoRow: not stored
};
// Stores embeddings; an image that is stored already keeps its row. Without hashes (and feature
// maps) the server hashes each embedding's bytes. Durable when answered (RowIdsReply).
struct AppendRowsRequest {
  Digest backbone;
  std::vector<ContentHash> images;
  Matrix embeddings;           // n x dim
  QuantizedRows feature_maps;  // the feature map of each image; or none
  Dtype dtype = Dtype::kF32;   // in which the embeddings are to be stored
  // The image of which each is a view; or none: they are images themselves.
  std::vector<ContentHash> sources = {};
};
// Raw rows of a space, answered by one BatchReply with sample_ids = rows, labels = -1, chains = 0.
struct ReadRowsRequest {
  Digest backbone;
  std::vector<RowId> rows;
  bool feature_maps = false;  // true: their feature maps instead of their embeddings
  Dtype dtype = Dtype::kF32;
};

// --- Writing a collection version: Begin, AppendSamples... or AppendViews..., Compare, Commit ---
// CompareDraft and CommitDraft do a second's work at most: a DraftProgressReply means that there is
// more to do, and the same request goes on.
using BeginDraftRequest = DraftSpec;
using DraftReply = OpenDraft;
struct AppendSamplesRequest {
  uint32_t draft = 0;
  SampleChunk samples;
};
// Views of consecutive samples, for a draft that is `views_only`, by the hashes under which they
// were stored (AppendRows with sources): those of sample `begin`, then of the next. In the order of
// the samples; what came may come again. A view that is not stored is missing in the version.
struct AppendViewsRequest {
  uint32_t draft = 0;
  SampleId begin = 0;
  std::vector<ContentHash> images;  // a multiple of the views of one sample
};
// What committing the draft would do: asked for by clients that say so first.
struct CompareDraftRequest {
  uint32_t draft = 0;
};
using DraftChangesReply = DraftChanges;
using DraftProgressReply = DraftProgress;
// Answered by RecordReply with the CollectionRecord: the latest version itself when the content is
// the same. Asked again once the version is made, it answers the same.
struct CommitDraftRequest {
  uint32_t draft = 0;
  uint64_t appended = 0;  // samples, or samples with views, that the client appended; refused if
                          // the server counted differently
};
struct AbortDraftRequest {
  uint32_t draft = 0;
};
struct GetSamplesRequest {
  std::string collection;  // ref
  SampleId begin = 0;
  uint32_t count = 0;  // at most kSampleChunkRows; fewer come back at the end
};
struct SamplesReply {
  SampleChunk samples;
};
// Answered by JsonReply (docs/http-api.md): samples for each split and class, and what differs from
// another version of the collection.
struct DescribeCollectionRequest {
  std::string collection;  // ref
  std::string other;       // ref; empty: no comparison
};
// A picture of embeddings: some samples, drawn by `seed`, in the plane of their first two principal
// components, and where transforms and stored views put them. Answered by JsonReply.
struct ProjectRequest {
  std::string collection;  // ref
  std::string split = {};  // empty: all samples
  uint32_t samples = 0;    // 0: 1,000, at most 5,000
  uint64_t seed = 0;
  std::vector<std::string> chains = {};  // at most 16
  bool views = false;                    // one stored view of each sample for each law
};

// --- Reading ---
// Embeddings of chosen samples, raw or through a chain; answered by one BatchReply, rows in the
// order of `samples`.
struct QueryRequest {
  std::string collection;  // ref
  std::vector<SampleId> samples;
  std::string chain;         // "identity", "hflip>rotate15@2"
  std::string label_column;  // empty: the first
};

// Ends what a connection reads of a stream (StatsReply has its id), until it is opened anew on
// another connection.
struct StopStreamRequest {
  uint64_t id = 0;
};

struct OpenStreamRequest {
  StreamSpec spec;
};
// A run of batches of one epoch: `count` BatchReply frames, or fewer at the end of the epoch, then
// EndReply.
struct BatchesRequest {
  StreamSpec spec;  // that of StreamReply
  Digest
      fingerprint;  // refused (kFailedPrecondition, naming what differs) unless it is the stream's
  uint64_t epoch = 0;
  uint64_t step = 0;
  uint32_t count = 1;
};

// --- Backups (storage/backup/rocksdb_backup.h), which the server makes on its own machine ---
// Begins one, which goes on whether or not the client stays. Asked for again with the same number,
// it answers as GetBackupRequest does.
struct StartBackupRequest {
  uint64_t run = 0;               // a random number that the client draws for this backup
  std::string folder;             // one below the server's --backup-dir, or empty: that itself
  uint64_t bytes_per_second = 0;  // 0: as fast as it goes
};
// How far it is.
struct GetBackupRequest {
  uint64_t run = 0;
};
// Tells it to stop, which takes a moment.
struct StopBackupRequest {
  uint64_t run = 0;
};
struct BackupReply {
  uint64_t total_bytes = 0;  // to copy; 0: not known yet
  uint64_t copied_bytes = 0;
  std::string json;  // the backup, once it is complete (docs/cli.md, backup create); else empty
  // Why it ended without being complete; kOk: it did not. Not an ErrorReply, which may be about the
  // request: one that is repeated must not be repeated for this.
  uint8_t code = 0;
  std::string message;
};
struct ListBackupsRequest {
  std::string folder;
  uint32_t id = 0;  // 0: all, without the versions that they hold
};
struct BackupListReply {
  std::string json;  // docs/cli.md, backup ls
};

// --- What operators look at ---
// The last lines of the audit log. Answered by JsonReply.
struct ReadAuditRequest {
  uint32_t lines = 0;  // 0: 100, at most 1,000
};
// The settings that the server was started with. Answered by JsonReply.
struct ConfigRequest {};
struct JsonReply {
  std::string json;  // docs/http-api.md
};

// The type of the frame that carries T.
template <typename T>
struct MessageTypeOf;
#define AUGSTORE_MESSAGE(T, type)                           \
  template <>                                               \
  struct MessageTypeOf<T> {                                 \
    static constexpr MessageType value = MessageType::k##T; \
  };
AUGSTORE_MESSAGES(AUGSTORE_MESSAGE)
#undef AUGSTORE_MESSAGE

// The body of T's frame, for every message of AUGSTORE_MESSAGES. REQUIRES of DecodeBody: *message
// as it is by default.
template <typename T>
SharedBytes EncodeBody(const T& message);
template <typename T>
Status DecodeBody(const SharedBytes& body, T* message);

// The type's name, "QueryRequest"; "message type 77" for a number that is not in MessageType.
std::string MessageTypeName(MessageType type);

// REQUIRES: what the message carries is within limits.h (in all below 2 GiB).
template <typename T>
Frame ToFrame(const T& message, uint32_t request_id = 0) {
  return {MessageTypeOf<T>::value, request_id, EncodeBody(message)};
}
Frame ErrorFrame(const Status& status, uint32_t request_id);
// Ok when `frame` is of type `expected`; the carried Status for an ErrorReply; kInvalidArgument
// otherwise.
Status ExpectType(const Frame& frame, MessageType expected);

template <typename T>
Result<T> FromFrame(const Frame& frame) {
  AUGSTORE_TRY(ExpectType(frame, MessageTypeOf<T>::value));
  T message;
  AUGSTORE_TRY(DecodeBody(frame.body, &message));
  return message;
}
}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_MESSAGES_H_
