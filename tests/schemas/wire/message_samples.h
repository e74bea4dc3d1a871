// One value of every message, with no field at its default, and the list of each message's fields.
#ifndef AUGSTORE_TESTS_SCHEMAS_WIRE_MESSAGE_SAMPLES_H_
#define AUGSTORE_TESTS_SCHEMAS_WIRE_MESSAGE_SAMPLES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "schemas/wire/messages.h"
#include "tests/schemas/records/record_samples.h"

namespace augstore {

// Every message but BatchReply, which has a codec of its own.
using MessageTypes = testing::Types<
    ServerInfoRequest, ServerInfoReply, StatsRequest, StatsReply, VerifyRequest, VerifyReply,
    EndReply, GetRecordRequest, RecordReply, ListRecordsRequest, RecordListReply, AddRecordRequest,
    DeleteRecordRequest, SetAliasRequest, FindImagesRequest, RowIdsReply, AppendRowsRequest,
    ReadRowsRequest, BeginDraftRequest, DraftReply, AppendSamplesRequest, AppendViewsRequest,
    CommitDraftRequest, CompareDraftRequest, DraftChangesReply, AbortDraftRequest,
    GetSamplesRequest, SamplesReply, QueryRequest, OpenStreamRequest, StreamReply, BatchesRequest,
    ShareMemoryRequest, ShareMemoryReply, SharedBodyReply, AuthenticateRequest, AuthenticateReply,
    SetTraceRequest, CreateKeyRequest, KeyReply, ListKeysRequest, KeyListReply, RevokeKeyRequest,
    RotateKeyRequest, RepairRowsRequest, RepairRowsReply, DraftProgressReply, DeletionReply,
    GarbageRequest, GarbageReply, EraseSampleRequest, EraseSampleReply, StartBackupRequest,
    GetBackupRequest, StopBackupRequest, BackupReply, ListBackupsRequest, BackupListReply,
    BrowseRequest, DescribeCollectionRequest, ProjectRequest, StopStreamRequest, ReadAuditRequest,
    ConfigRequest, JsonReply>;

inline bool operator==(const RecordReply& a, const RecordReply& b) {
  return std::tie(a.kind, a.name, a.version, a.record, a.blob) ==
         std::tie(b.kind, b.name, b.version, b.record, b.blob);
}
inline bool operator==(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::equal(a.data(), a.data() + a.rows() * a.cols(), b.data());
}

namespace samples {

inline std::tuple<> Fields(const ServerInfoRequest&) { return {}; }
inline std::tuple<> Fields(const StatsRequest&) { return {}; }
inline std::tuple<> Fields(const EndReply&) { return {}; }
inline auto Fields(const SetTraceRequest& m) { return std::tie(m.traceparent); }
inline std::tuple<> Fields(const ShareMemoryRequest&) { return {}; }
inline auto Fields(const ShareMemoryReply& m) { return std::tie(m.bytes, m.slots); }
inline auto Fields(const SharedBodyReply& m) { return std::tie(m.type, m.slot, m.offset, m.size); }
inline auto Fields(const ServerInfoReply& m) { return std::tie(m.version, m.store_id); }
inline auto Fields(const StatsReply& m) { return std::tie(m.json); }
inline auto Fields(const VerifyRequest& m) { return std::tie(m.cursor); }
inline auto Fields(const VerifyReply& m) {
  return std::tie(m.cursor, m.checked, m.total, m.problems);
}
inline auto Fields(const GetRecordRequest& m) { return std::tie(m.kind, m.ref, m.with_blob); }
inline auto Fields(const RecordReply& m) {
  return std::tie(m.kind, m.name, m.version, m.record, m.blob);
}
inline auto Fields(const ListRecordsRequest& m) { return std::tie(m.kind, m.name); }
inline auto Fields(const RecordListReply& m) { return std::tie(m.records, m.names); }
inline auto Fields(const AddRecordRequest& m) { return std::tie(m.kind, m.name, m.record, m.blob); }
inline auto Fields(const DeleteRecordRequest& m) {
  return std::tie(m.kind, m.ref, m.cascade, m.preview);
}
inline auto Fields(const DeletionReply& m) { return std::tie(m.records, m.applied); }
inline auto Fields(const GarbageRequest& m) { return std::tie(m.run, m.apply, m.pairs); }
inline auto Fields(const EraseSampleRequest& m) {
  return std::tie(m.run, m.target.collection, m.target.split, m.target.key, m.target.image,
                  m.target.preview);
}
inline auto Fields(const EraseSampleReply& m) {
  return std::tie(m.run, m.step.phase, m.step.done, m.step.total, m.step.image, m.step.records,
                  m.step.rows, m.step.views, m.step.applied);
}
inline auto Fields(const GarbageReply& m) { return std::tie(m.run, m.step); }
inline auto Fields(const SetAliasRequest& m) {
  return std::tie(m.kind, m.name, m.alias, m.version, m.note, m.min_r2, m.force);
}
inline auto Fields(const FindImagesRequest& m) { return std::tie(m.backbone, m.images); }
inline auto Fields(const RowIdsReply& m) { return std::tie(m.rows); }
inline auto Fields(const AppendRowsRequest& m) {
  return std::tie(m.backbone, m.images, m.embeddings, m.feature_maps);
}
inline auto Fields(const ReadRowsRequest& m) {
  return std::tie(m.backbone, m.rows, m.feature_maps);
}
inline auto Fields(const BeginDraftRequest& m) {
  return std::tie(m.collection, m.backbone, m.labels, m.start_empty, m.source, m.dtype,
                  m.replace_samples, m.views_only, m.views);
}
inline auto Fields(const DraftReply& m) { return std::tie(m.draft, m.labels); }
inline auto Fields(const AppendSamplesRequest& m) { return std::tie(m.draft, m.samples); }
inline auto Fields(const AppendViewsRequest& m) { return std::tie(m.draft, m.begin, m.images); }
inline auto Fields(const CommitDraftRequest& m) { return std::tie(m.draft, m.appended); }
inline auto Fields(const CompareDraftRequest& m) { return std::tie(m.draft); }
inline auto Fields(const DraftChangesReply& m) {
  return std::tie(m.added, m.replaced, m.left, m.refilled, m.examples, m.shared);
}
inline auto Fields(const DraftProgressReply& m) { return std::tie(m.phase, m.done, m.total); }
inline auto Fields(const RepairRowsRequest& m) { return std::tie(m.cursor, m.apply); }
inline auto Fields(const RepairRowsReply& m) {
  return std::tie(m.cursor, m.checked, m.total, m.problems, m.images);
}
inline auto Fields(const AbortDraftRequest& m) { return std::tie(m.draft); }
inline auto Fields(const GetSamplesRequest& m) { return std::tie(m.collection, m.begin, m.count); }
inline auto Fields(const SamplesReply& m) { return std::tie(m.samples); }
inline auto Fields(const QueryRequest& m) {
  return std::tie(m.collection, m.samples, m.chain, m.label_column);
}
inline auto Fields(const OpenStreamRequest& m) { return std::tie(m.spec); }
inline auto Fields(const StreamReply& m) {
  return std::tie(m.spec, m.fingerprint, m.collection_digest, m.chains, m.transforms, m.classes,
                  m.samples, m.steps, m.dim);
}
inline auto Fields(const AuthenticateRequest& m) { return std::tie(m.key); }
inline auto Fields(const AuthenticateReply& m) {
  return std::tie(m.store_id, m.key, m.role, m.scope);
}
inline auto Fields(const CreateKeyRequest& m) {
  return std::tie(m.role, m.scope, m.expires_unix_s, m.note);
}
inline auto Fields(const KeyReply& m) { return std::tie(m.key, m.text); }
inline std::tuple<> Fields(const ListKeysRequest&) { return {}; }
inline auto Fields(const KeyListReply& m) { return std::tie(m.keys); }
inline auto Fields(const RevokeKeyRequest& m) { return std::tie(m.id); }
inline auto Fields(const RotateKeyRequest& m) { return std::tie(m.id, m.grace_s); }
inline auto Fields(const BatchesRequest& m) {
  return std::tie(m.spec, m.fingerprint, m.epoch, m.step, m.count);
}
inline auto Fields(const StartBackupRequest& m) {
  return std::tie(m.run, m.folder, m.bytes_per_second);
}
inline auto Fields(const GetBackupRequest& m) { return std::tie(m.run); }
inline auto Fields(const StopBackupRequest& m) { return std::tie(m.run); }
inline auto Fields(const BackupReply& m) {
  return std::tie(m.total_bytes, m.copied_bytes, m.json, m.code, m.message);
}
inline auto Fields(const ListBackupsRequest& m) { return std::tie(m.folder, m.id); }
inline auto Fields(const BackupListReply& m) { return std::tie(m.json); }
inline auto Fields(const BrowseRequest& m) { return std::tie(m.kind, m.find, m.after, m.limit); }
inline auto Fields(const DescribeCollectionRequest& m) { return std::tie(m.collection, m.other); }
inline auto Fields(const ProjectRequest& m) {
  return std::tie(m.collection, m.split, m.samples, m.seed, m.chains, m.views);
}
inline auto Fields(const StopStreamRequest& m) { return std::tie(m.id); }
inline auto Fields(const ReadAuditRequest& m) { return std::tie(m.lines); }
inline std::tuple<> Fields(const ConfigRequest&) { return {}; }
inline auto Fields(const JsonReply& m) { return std::tie(m.json); }

inline ContentHash MakeHash(uint8_t value) {
  ContentHash hash;
  hash.bytes.fill(value);
  return hash;
}

inline void Fill(ServerInfoRequest*) {}
inline void Fill(StatsRequest*) {}
inline void Fill(EndReply*) {}
inline void Fill(SetTraceRequest* m) {
  *m = {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
}
inline void Fill(ShareMemoryRequest*) {}
inline void Fill(ShareMemoryReply* m) { *m = {uint64_t{1} << 33, 16}; }
inline void Fill(SharedBodyReply* m) {
  *m = {MessageType::kBatchReply, 3, uint64_t{1} << 33, 4096};
}
inline void Fill(ServerInfoReply* m) { *m = {"0.1.0", "f00d"}; }
inline void Fill(StatsReply* m) { *m = {R"({"rows": 1})"}; }
inline void Fill(VerifyRequest* m) { *m = {std::string("binary\0cursor", 13)}; }
inline void Fill(VerifyReply* m) { *m = {"next", 10, 20, {"segment 3 is damaged", ""}}; }
inline void Fill(GetRecordRequest* m) { *m = {RecordKind::kAliases, "transform/hflip", true}; }
inline void Fill(RecordReply* m) { *m = {RecordKind::kTransform, "hflip", 3, "record", "blob"}; }
inline void Fill(ListRecordsRequest* m) { *m = {RecordKind::kHead, "digits"}; }
inline void Fill(RecordListReply* m) {
  *m = {{{RecordKind::kHead, "a", 1, "x", ""}, {RecordKind::kBackbone, "b", 2, "", ""}}, 300};
}
inline void Fill(AddRecordRequest* m) {
  *m = {RecordKind::kBackbone, "resnet18", Encode(Backbone()), std::string("\0\xff", 2)};
}
inline void Fill(DeleteRecordRequest* m) { *m = {RecordKind::kTransform, "hflip@3", true, true}; }
inline void Fill(DeletionReply* m) {
  *m = {{{RecordKind::kHead, "h", 2, "best", "points to h@2"},
         {RecordKind::kCollection, "c", 1, "", ""}},
        true};
}
inline void Fill(GarbageRequest* m) { *m = {3, true, true}; }
inline void Fill(GarbageReply* m) { *m = {3, {"pairs", 4, 5, 6, 1536, 7, 8}}; }
inline void Fill(EraseSampleRequest* m) { *m = {3, {"digits@2", "train", "3/7.png", "ab", true}}; }
inline void Fill(EraseSampleReply* m) {
  *m = {3, {"views", 4, 5, "ab", {{RecordKind::kCollection, "digits", 2, "", ""}}, 6, 7, true}};
}
inline void Fill(SetAliasRequest* m) {
  *m = {RecordKind::kHead, "digits", "champion", 7, "because", 0.125, true};
}
inline void Fill(FindImagesRequest* m) {
  *m = {MakeDigest(1), {MakeHash(2), MakeHash(3)}, Dtype::kF16};
}
inline void Fill(RowIdsReply* m) { *m = {{1, kNoRow, 3}}; }
inline void Fill(AppendRowsRequest* m) {
  m->backbone = MakeDigest(1);
  m->images = {MakeHash(2), MakeHash(3)};
  m->embeddings = Matrix(2, 5);
  for (size_t i = 0; i < 10; ++i) m->embeddings.data()[i] = static_cast<float>(i) - 4.5f;
  m->feature_maps.values = 3;
  m->feature_maps.bytes.resize(2 * QuantizedRowBytes(3));
  std::iota(m->feature_maps.bytes.begin(), m->feature_maps.bytes.end(), uint8_t{0});
  m->dtype = Dtype::kU8;
}
inline void Fill(ReadRowsRequest* m) { *m = {MakeDigest(9), {256, 1}, true, Dtype::kF16}; }
inline void Fill(BeginDraftRequest* m) {
  *m = {"cifar10",  MakeDigest(2), Labels(), true,       "/data/cifar",
        Dtype::kU8, true,          true,     ViewSets(), 7};
}
inline void Fill(DraftReply* m) { *m = {6, Labels()}; }
inline void Fill(AppendSamplesRequest* m) { *m = {6, Chunk()}; }
inline void Fill(AppendViewsRequest* m) { *m = {6, uint64_t{1} << 33, {MakeHash(1), MakeHash(4)}}; }
inline void Fill(CommitDraftRequest* m) { *m = {6, 70000}; }
inline void Fill(CompareDraftRequest* m) { *m = {6}; }
inline void Fill(DraftChangesReply* m) {
  *m = {5, 4, 3, 2, {"sample 'a' of split 'train'"}, {{"test", "train", 2, 1}}};
}
inline void Fill(DraftProgressReply* m) { *m = {"write", 3, 2442}; }
inline void Fill(RepairRowsRequest* m) { *m = {"segments 1 7", true}; }
inline void Fill(RepairRowsReply* m) { *m = {"images 00", 7, 8, {"segment 3 is damaged"}, 256}; }
inline void Fill(AbortDraftRequest* m) { *m = {6}; }
inline void Fill(GetSamplesRequest* m) { *m = {"cifar10@2", uint64_t{1} << 40, 4096}; }
inline void Fill(SamplesReply* m) { *m = {Chunk()}; }
inline void Fill(QueryRequest* m) { *m = {"cifar10", {5, 5, 0}, "hflip>rotate15@2", "label"}; }
inline void Fill(OpenStreamRequest* m) { *m = {Spec()}; }
inline void Fill(StreamReply* m) {
  *m = {Spec(),
        MakeDigest(3),
        MakeDigest(4),
        {"identity", "hflip@3"},
        {MakeDigest(5), MakeDigest(6)},
        {"cat", ""},
        60000,
        118,
        512};
}
inline KeyInfo InfoOfKey() {
  return {"k3jd82na", Role::kWrite, "cifar10 imagenet*", "of the lab",
          1700000004, 1800000000,   1750000000,          1740000000};
}
inline void Fill(AuthenticateRequest* m) { *m = {"augs_k3jd82na_secret"}; }
inline void Fill(AuthenticateReply* m) { *m = {"f00d", "k3jd82na", Role::kAdmin, "cifar10"}; }
inline void Fill(CreateKeyRequest* m) { *m = {Role::kWrite, "imagenet*", 1800000000, "note"}; }
inline void Fill(KeyReply* m) { *m = {InfoOfKey(), "augs_k3jd82na_secret"}; }
inline void Fill(ListKeysRequest*) {}
inline void Fill(KeyListReply* m) { *m = {{InfoOfKey(), {"a", Role::kRead, "", "", 1, 0, 0, 0}}}; }
inline void Fill(RevokeKeyRequest* m) { *m = {"k3jd82na"}; }
inline void Fill(RotateKeyRequest* m) { *m = {"k3jd82na", 3600}; }
inline void Fill(BatchesRequest* m) { *m = {Spec(), MakeDigest(3), 8, 9, 10}; }
inline void Fill(StartBackupRequest* m) { *m = {uint64_t{1} << 63, "nightly", 50'000'000}; }
inline void Fill(GetBackupRequest* m) { *m = {11}; }
inline void Fill(StopBackupRequest* m) { *m = {12}; }
inline void Fill(BackupReply* m) { *m = {uint64_t{1} << 40, 4096, R"({"id": 3})", 8, "stopped"}; }
inline void Fill(ListBackupsRequest* m) { *m = {"nightly", 3}; }
inline void Fill(BackupListReply* m) { *m = {R"({"backups": []})"}; }
inline void Fill(BrowseRequest* m) { *m = {RecordKind::kHead, "dig", "digits", 20}; }
inline void Fill(DescribeCollectionRequest* m) { *m = {"cifar10@2", "cifar10@1"}; }
inline void Fill(ProjectRequest* m) {
  *m = {"cifar10@2", "test", 500, uint64_t{1} << 60, {"hflip", "hflip>rotate15@2"}, true};
}
inline void Fill(StopStreamRequest* m) { *m = {7}; }
inline void Fill(ReadAuditRequest* m) { *m = {50}; }
inline void Fill(ConfigRequest*) {}
inline void Fill(JsonReply* m) { *m = {R"({"lines": []})"}; }

}  // namespace samples
}  // namespace augstore

#endif  // AUGSTORE_TESTS_SCHEMAS_WIRE_MESSAGE_SAMPLES_H_
