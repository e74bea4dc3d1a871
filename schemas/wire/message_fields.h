// Internal to schemas/wire: the fields of messages. Rules between them (CheckFields) are in
// messages.cc, which alone reads their tables.
#ifndef AUGSTORE_SCHEMAS_WIRE_MESSAGE_FIELDS_H_
#define AUGSTORE_SCHEMAS_WIRE_MESSAGE_FIELDS_H_

#include "schemas/records/fields.h"
#include "schemas/records/record_fields.h"
#include "schemas/wire/messages.h"
#include "schemas/wire_generated.h"

namespace augstore::codec {

namespace wire = fb::wire;

AUGSTORE_FIELDS(ServerInfoRequest, wire::ServerInfoRequest);
AUGSTORE_FIELDS(ServerInfoReply, wire::ServerInfoReply, AtMost(m.version, kMaxNameBytes),
                AtMost(m.store_id, kMaxNameBytes));
AUGSTORE_FIELDS(StatsRequest, wire::StatsRequest);
AUGSTORE_FIELDS(StatsReply, wire::StatsReply, AtMost(m.json, kMaxTextBytes));
AUGSTORE_FIELDS(VerifyRequest, wire::VerifyRequest, AtMost(m.cursor, kMaxTextBytes));
AUGSTORE_FIELDS(VerifyReply, wire::VerifyReply, AtMost(m.cursor, kMaxTextBytes), m.checked, m.total,
                AtMost(m.problems, kMaxProblems, kMaxTextBytes));
AUGSTORE_FIELDS(RepairRowsRequest, wire::RepairRowsRequest, AtMost(m.cursor, kMaxTextBytes),
                m.apply);
AUGSTORE_FIELDS(RepairRowsReply, wire::RepairRowsReply, AtMost(m.cursor, kMaxTextBytes), m.checked,
                m.total, AtMost(m.problems, kMaxProblems, kMaxTextBytes), m.images);
AUGSTORE_FIELDS(EndReply, wire::EndReply);
AUGSTORE_FIELDS(AuthenticateRequest, wire::AuthenticateRequest, AtMost(m.key, kMaxNameBytes));
AUGSTORE_FIELDS(AuthenticateReply, wire::AuthenticateReply, AtMost(m.store_id, kMaxNameBytes),
                AtMost(m.key, kMaxNameBytes), m.role, AtMost(m.scope, kMaxKeyBytes));
AUGSTORE_FIELDS(KeyInfo, wire::KeyInfo, AtMost(m.id, kMaxNameBytes), m.role,
                AtMost(m.scope, kMaxKeyBytes), AtMost(m.note, kMaxKeyBytes), m.created_unix_s,
                m.expires_unix_s, m.revoked_unix_s, m.previous_until_unix_s);
AUGSTORE_FIELDS(CreateKeyRequest, wire::CreateKeyRequest, m.role, AtMost(m.scope, kMaxKeyBytes),
                m.expires_unix_s, AtMost(m.note, kMaxKeyBytes));
AUGSTORE_FIELDS(KeyReply, wire::KeyReply, m.key, AtMost(m.text, kMaxNameBytes));
AUGSTORE_FIELDS(ListKeysRequest, wire::ListKeysRequest);
AUGSTORE_FIELDS(KeyListReply, wire::KeyListReply, AtMost(m.keys, kMaxKeys));
AUGSTORE_FIELDS(RevokeKeyRequest, wire::RevokeKeyRequest, AtMost(m.id, kMaxNameBytes));
AUGSTORE_FIELDS(RotateKeyRequest, wire::RotateKeyRequest, AtMost(m.id, kMaxNameBytes), m.grace_s);
AUGSTORE_FIELDS(SetTraceRequest, wire::SetTraceRequest, AtMost(m.traceparent, kMaxNameBytes));
AUGSTORE_FIELDS(ShareMemoryRequest, wire::ShareMemoryRequest);
AUGSTORE_FIELDS(ShareMemoryReply, wire::ShareMemoryReply, m.bytes, m.slots);
AUGSTORE_FIELDS(SharedBodyReply, wire::SharedBodyReply, AnyNumber(m.type), m.slot, m.offset,
                m.size);
AUGSTORE_FIELDS(GetRecordRequest, wire::GetRecordRequest, m.kind, AtMost(m.ref, kMaxRefBytes),
                m.with_blob);
AUGSTORE_FIELDS(RecordReply, wire::RecordReply, m.kind, AtMost(m.name, kMaxRefBytes), m.version,
                BytesAtMost(m.record, kMaxRecordBytes), BytesAtMost(m.blob, kMaxWeightsBytes));
AUGSTORE_FIELDS(ListRecordsRequest, wire::ListRecordsRequest, m.kind, AtMost(m.name, kMaxRefBytes));
AUGSTORE_FIELDS(RecordListReply, wire::RecordListReply, AtMost(m.records, kMaxListedRecords),
                m.names);
AUGSTORE_FIELDS(BrowseRequest, wire::BrowseRequest, m.kind, AtMost(m.find, kMaxNameBytes),
                AtMost(m.after, kMaxNameBytes), m.limit);
AUGSTORE_FIELDS(AddRecordRequest, wire::AddRecordRequest, m.kind, AtMost(m.name, kMaxNameBytes),
                BytesAtMost(m.record, kMaxRecordBytes), BytesAtMost(m.blob, kMaxWeightsBytes));
AUGSTORE_FIELDS(DeleteRecordRequest, wire::DeleteRecordRequest, m.kind, AtMost(m.ref, kMaxRefBytes),
                m.cascade, m.preview);
AUGSTORE_FIELDS(DeletedRecord, wire::DeletedRecord, m.kind, AtMost(m.name, kMaxNameBytes),
                m.version, AtMost(m.alias, kMaxNameBytes), AtMost(m.reason, kMaxTextBytes));
AUGSTORE_FIELDS(DeletionReply, wire::DeletionReply, AtMost(m.records, kMaxListedRecords),
                m.applied);
AUGSTORE_FIELDS(GarbageRequest, wire::GarbageRequest, m.run, m.apply, m.pairs);
AUGSTORE_FIELDS(GarbageReply, wire::GarbageReply, m.run, AtMost(m.step.phase, kMaxNameBytes),
                m.step.done, m.step.total, m.step.segments, m.step.rows, m.step.bytes,
                m.step.kept_rows);
AUGSTORE_FIELDS(EraseSampleRequest, wire::EraseSampleRequest, m.run,
                AtMost(m.target.collection, kMaxRefBytes), AtMost(m.target.split, kMaxKeyBytes),
                AtMost(m.target.key, kMaxKeyBytes), AtMost(m.target.image, kMaxNameBytes),
                m.target.preview);
AUGSTORE_FIELDS(EraseSampleReply, wire::EraseSampleReply, m.run,
                AtMost(m.step.phase, kMaxNameBytes), m.step.done, m.step.total,
                AtMost(m.step.image, kMaxNameBytes), AtMost(m.step.records, kMaxListedRecords),
                m.step.rows, m.step.views, m.step.applied);
AUGSTORE_FIELDS(SetAliasRequest, wire::SetAliasRequest, m.kind, AtMost(m.name, kMaxNameBytes),
                AtMost(m.alias, kMaxNameBytes), m.version, AtMost(m.note, kMaxTextBytes), m.force,
                m.min_r2);
AUGSTORE_FIELDS(FindImagesRequest, wire::FindImagesRequest, m.backbone,
                AtMost(m.images, kMaxBatchRows), m.dtype);
AUGSTORE_FIELDS(RowIdsReply, wire::RowIdsReply, AtMost(m.rows, kMaxBatchRows));

template <>
struct Codec<AppendRowsRequest> {
  using Table = wire::AppendRowsRequest;
  static void Fields(auto& v, auto& m) {
    v.Seek(2);  // built first: so the embeddings are the last bytes of the body
    v.All(m.embeddings);
    v.Seek(0);
    v.All(m.backbone, AtMost(m.images, kMaxBatchRows));
    v.Seek(4);
    v.All(AtMost(m.feature_maps.values, kMaxDim), AtMost(m.feature_maps.bytes, kMaxRequestBytes),
          m.dtype, AtMost(m.sources, kMaxBatchRows));
  }
};

AUGSTORE_FIELDS(ReadRowsRequest, wire::ReadRowsRequest, m.backbone, AtMost(m.rows, kMaxBatchRows),
                m.feature_maps, m.dtype);
AUGSTORE_FIELDS(BeginDraftRequest, wire::BeginDraftRequest, AtMost(m.collection, kMaxNameBytes),
                m.backbone, m.labels, m.start_empty, AtMost(m.source, kMaxTextBytes), m.dtype,
                m.replace_samples, m.views_only, m.views, m.views_of);
AUGSTORE_FIELDS(DraftReply, wire::DraftReply, m.draft, m.labels);
AUGSTORE_FIELDS(AppendSamplesRequest, wire::AppendSamplesRequest, m.draft, m.samples);
AUGSTORE_FIELDS(AppendViewsRequest, wire::AppendViewsRequest, m.draft, m.begin,
                AtMost(m.images, kMaxBatchRows));
AUGSTORE_FIELDS(CompareDraftRequest, wire::CompareDraftRequest, m.draft);
AUGSTORE_FIELDS(SharedRows, wire::SharedRows, AtMost(m.split, kMaxKeyBytes),
                AtMost(m.other, kMaxKeyBytes), m.rows, m.conflicting);
AUGSTORE_FIELDS(DraftChangesReply, wire::DraftChangesReply, m.added, m.replaced, m.left,
                AtMost(m.examples, DraftChanges::kMaxExamples, kMaxTextBytes),
                AtMost(m.shared, DraftChanges::kMaxShared), m.refilled);
AUGSTORE_FIELDS(DraftProgressReply, wire::DraftProgressReply, AtMost(m.phase, kMaxNameBytes),
                m.done, m.total);
AUGSTORE_FIELDS(CommitDraftRequest, wire::CommitDraftRequest, m.draft, m.appended);
AUGSTORE_FIELDS(AbortDraftRequest, wire::AbortDraftRequest, m.draft);
AUGSTORE_FIELDS(GetSamplesRequest, wire::GetSamplesRequest, AtMost(m.collection, kMaxRefBytes),
                m.begin, m.count);
AUGSTORE_FIELDS(SamplesReply, wire::SamplesReply, m.samples);
AUGSTORE_FIELDS(DescribeCollectionRequest, wire::DescribeCollectionRequest,
                AtMost(m.collection, kMaxRefBytes), AtMost(m.other, kMaxRefBytes));
AUGSTORE_FIELDS(ProjectRequest, wire::ProjectRequest, AtMost(m.collection, kMaxRefBytes),
                AtMost(m.split, kMaxKeyBytes), m.samples, m.seed,
                AtMost(m.chains, kMaxProjectedChains, kMaxTextBytes), m.views);
AUGSTORE_FIELDS(StopStreamRequest, wire::StopStreamRequest, m.id);
AUGSTORE_FIELDS(ReadAuditRequest, wire::ReadAuditRequest, m.lines);
AUGSTORE_FIELDS(ConfigRequest, wire::ConfigRequest);
AUGSTORE_FIELDS(JsonReply, wire::JsonReply, AtMost(m.json, kMaxRecordBytes));
AUGSTORE_FIELDS(QueryRequest, wire::QueryRequest, AtMost(m.collection, kMaxRefBytes),
                AtMost(m.samples, kMaxBatchRows), AtMost(m.chain, kMaxTextBytes),
                AtMost(m.label_column, kMaxKeyBytes));
AUGSTORE_FIELDS(OpenStreamRequest, wire::OpenStreamRequest, m.spec);
AUGSTORE_FIELDS(StreamReply, wire::StreamReply, m.spec, m.fingerprint, m.collection_digest,
                AtMost(m.chains, kMaxChains, kMaxTextBytes),
                AtMost(m.transforms, kMaxChains* kMaxChainLength),
                AtMost(m.classes, kMaxClasses, kMaxKeyBytes), m.samples, m.steps,
                AtMost(m.dim, kMaxDim));
AUGSTORE_FIELDS(BatchesRequest, wire::BatchesRequest, m.spec, m.fingerprint, m.epoch, m.step,
                m.count);
AUGSTORE_FIELDS(StartBackupRequest, wire::StartBackupRequest, m.run,
                AtMost(m.folder, kMaxNameBytes), m.bytes_per_second);
AUGSTORE_FIELDS(GetBackupRequest, wire::GetBackupRequest, m.run);
AUGSTORE_FIELDS(StopBackupRequest, wire::StopBackupRequest, m.run);
AUGSTORE_FIELDS(BackupReply, wire::BackupReply, m.total_bytes, m.copied_bytes,
                AtMost(m.json, kMaxRecordBytes), m.code, AtMost(m.message, kMaxTextBytes));
AUGSTORE_FIELDS(ListBackupsRequest, wire::ListBackupsRequest, AtMost(m.folder, kMaxNameBytes),
                m.id);
AUGSTORE_FIELDS(BackupListReply, wire::BackupListReply, AtMost(m.json, kMaxRecordBytes));

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_WIRE_MESSAGE_FIELDS_H_
