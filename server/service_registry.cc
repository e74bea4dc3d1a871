// Handlers for the registry and for the server itself.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "server/service_state.h"

namespace augstore::handlers {
namespace {

// Kinds that a client may read by reference.
Status CheckPublicKind(RecordKind kind) {
  switch (kind) {
    case RecordKind::kBackbone:
    case RecordKind::kCollection:
    case RecordKind::kTransform:
    case RecordKind::kHead:
    case RecordKind::kAliases:
      return OkStatus();
    case RecordKind::kSpace:
    case RecordKind::kDraft:
      break;
  }
  return InvalidArgument(
      "records of kind {} are internal to the store: ask for backbones, collections, transforms, "
      "heads or aliases",
      static_cast<int>(kind));
}

// Bytes that a client sent and that do not decode are the client's fault, not the disk's.
template <typename Record>
Result<Record> DecodeSent(const std::string& bytes) {
  Result<Record> record = Decode<Record>(bytes);
  if (record.ok()) return record;
  return InvalidArgument("the record sent is not valid: {}", record.status().message());
}

Result<AliasHistory> ReadAliases(Catalog& catalog, const std::string& ref) {
  const size_t slash = ref.find('/');
  if (slash == std::string::npos) {
    return InvalidArgument(
        "aliases are asked for as '<kind>/<name>', for example 'transform/hflip', not '{}'", ref);
  }
  AUGSTORE_ASSIGN(const RecordKind kind, ParseRecordKind(ref.substr(0, slash)));
  return catalog.GetAliases(kind, ref.substr(slash + 1));
}

// What can be stored can be applied: the ops of a conditional transform parse and fit its maps.
Status CheckApplies(const AddRecordRequest& message) {
  Result<TransformWeights> weights = TransformWeights::FromSafetensors(message.blob);
  if (weights.ok() && !weights->conditional()) return OkStatus();
  const Status status =
      weights.ok() ? MakeTransformModel(std::move(*weights)).status() : weights.status();
  return status.WithContext(fmt::format("transform '{}'", message.name));
}

Result<RecordKey> AddDecoded(Catalog& catalog, const AddRecordRequest& message) {
  switch (message.kind) {
    case RecordKind::kBackbone: {
      if (!message.blob.empty()) {
        return InvalidArgument(
            "backbone '{}' comes with {} bytes of weights: a backbone's file stays with its "
            "owner, send the record alone",
            message.name, message.blob.size());
      }
      AUGSTORE_ASSIGN(BackboneRecord record, DecodeSent<BackboneRecord>(message.record));
      return catalog.AddBackbone(message.name, record);
    }
    case RecordKind::kTransform: {
      AUGSTORE_ASSIGN(TransformRecord record, DecodeSent<TransformRecord>(message.record));
      AUGSTORE_TRY(CheckApplies(message));
      return catalog.AddTransform(message.name, std::move(record), message.blob);
    }
    case RecordKind::kHead: {
      AUGSTORE_ASSIGN(HeadRecord record, DecodeSent<HeadRecord>(message.record));
      return catalog.AddHead(message.name, std::move(record), message.blob);
    }
    default:
      return InvalidArgument(
          "only backbones, transforms and heads are added as records, not kind {}: write a "
          "collection "
          "through a draft, move an alias with SetAlias",
          static_cast<int>(message.kind));
  }
}

nlohmann::ordered_json CountRequests(const ServiceState& state) {
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  for (size_t type = 0; type < kRequestTypes; ++type) {
    const uint64_t count = state.requests[type].load();
    if (count == 0) continue;
    const std::string_view name = RequestName(static_cast<MessageType>(type));
    counts[name.empty() ? "unknown" : std::string(name)] = count;
  }
  return counts;
}

}  // namespace

Result<Frame> ServerInfo(ServiceState& state, const Frame& request) {
  AUGSTORE_TRY(FromFrame<ServerInfoRequest>(request));
  AUGSTORE_ASSIGN(StoreStats stats, state.catalog->store()->Stats());
  return ToFrame(ServerInfoReply{AUGSTORE_VERSION, stats.id}, request.request_id);
}

Result<Frame> Stats(ServiceState& state, const Frame& request) {
  AUGSTORE_TRY(FromFrame<StatsRequest>(request));
  AUGSTORE_ASSIGN(const StoreStats stats, state.catalog->store()->Stats());
  AUGSTORE_ASSIGN(const auto backbones,
                  state.catalog->store()->ListRecords(RecordKind::kBackbone, ""));
  AUGSTORE_ASSIGN(const auto collections,
                  state.catalog->store()->ListRecords(RecordKind::kCollection, ""));
  std::map<Digest, std::string> names;
  for (const RecordEntry& entry : backbones) {
    AUGSTORE_ASSIGN(const BackboneRecord record, Decode<BackboneRecord>(entry.bytes));
    names[record.digest] = fmt::format("{}@{}", entry.key.name, entry.key.version);
  }
  nlohmann::ordered_json spaces = nlohmann::ordered_json::array();
  for (const SpaceInfo& space : stats.spaces) {
    const auto named = names.find(space.backbone);
    spaces.push_back({{"backbone", named == names.end() ? "" : named->second},
                      {"backbone_digest", space.backbone.Hex()},
                      {"dim", space.dim},
                      {"dtype", DtypeName(space.dtype)},
                      {"rows", space.rows},
                      {"segments", space.segments}});
  }
  const auto uptime = std::chrono::steady_clock::now() - state.started;
  const nlohmann::ordered_json json = {
      {"version", AUGSTORE_VERSION},
      {"store_id", stats.id},
      {"address", state.options.address},
      {"uptime_s", std::chrono::duration<double>(uptime).count()},
      {"connections", state.connections.load()},
      {"spaces", std::move(spaces)},
      {"disk_bytes", stats.disk_bytes},
      {"resident_bytes", stats.resident_bytes},
      {"memory_budget_bytes", stats.memory_budget_bytes},
      {"collections", collections.size()},
      {"requests", CountRequests(state)},
      {"batches", state.batches.load()},
      {"batches_built", state.batches_built.load()},
      {"batch_cache_bytes", state.kept_batches.resident_bytes()},
      {"rows", state.rows.load()},
      {"bytes", state.reply_bytes.load()},
  };
  return ToFrame(StatsReply{json.dump()}, request.request_id);
}

Result<Frame> Verify(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const VerifyRequest message, FromFrame<VerifyRequest>(request));
  AUGSTORE_ASSIGN(VerifyStep step, state.catalog->Verify(message.cursor));
  VerifyReply reply{std::move(step.cursor), step.checked, step.total, std::move(step.problems)};
  return ToFrame(reply, request.request_id);
}

Result<Frame> GetRecord(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const GetRecordRequest message, FromFrame<GetRecordRequest>(request));
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  if (message.kind == RecordKind::kAliases) {
    AUGSTORE_ASSIGN(const AliasHistory history, ReadAliases(*state.catalog, message.ref));
    return ToFrame(RecordReply{message.kind, message.ref, 1, Encode(history), ""},
                   request.request_id);
  }
  AUGSTORE_ASSIGN(const RecordKey key, state.catalog->Resolve(message.kind, message.ref));
  RecordReply reply{key.kind, key.name, key.version, "", ""};
  AUGSTORE_ASSIGN(reply.record, state.catalog->store()->ReadRecord(key));
  if (message.with_blob) {
    AUGSTORE_ASSIGN(reply.blob, state.catalog->store()->ReadBlob(key));
  }
  return ToFrame(reply, request.request_id);
}

Result<Frame> ListRecords(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const ListRecordsRequest message, FromFrame<ListRecordsRequest>(request));
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  AUGSTORE_ASSIGN(std::vector<RecordEntry> entries,
                  state.catalog->store()->ListRecords(message.kind, message.name));
  size_t bytes = 0;
  for (const RecordEntry& entry : entries) bytes += entry.key.name.size() + entry.bytes.size();
  if (entries.size() >= kVerifierMaxTables || bytes > kMaxReplyBytes / 2) {
    return ResourceExhausted(
        "{} records of kind {} with {} bytes are more than one reply holds ({} records, {} bytes): "
        "give a name",
        entries.size(), RecordKindName(message.kind), bytes, kVerifierMaxTables - 1,
        kMaxReplyBytes / 2);
  }
  RecordListReply reply;
  reply.records.reserve(entries.size());
  for (RecordEntry& entry : entries) {
    reply.records.push_back(
        {entry.key.kind, std::move(entry.key.name), entry.key.version, std::move(entry.bytes), ""});
  }
  return ToFrame(reply, request.request_id);
}

Result<Frame> AddRecord(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const AddRecordRequest message, FromFrame<AddRecordRequest>(request));
  AUGSTORE_ASSIGN(RecordKey key, AddDecoded(*state.catalog, message));
  return ToFrame(RecordReply{key.kind, std::move(key.name), key.version, "", ""},
                 request.request_id);
}

Result<Frame> DeleteRecord(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const DeleteRecordRequest message, FromFrame<DeleteRecordRequest>(request));
  if (message.kind != RecordKind::kCollection) {
    return InvalidArgument(
        "'{}' cannot be deleted: only collections can. Backbones, transforms and heads are "
        "immutable, because "
        "streams and heads name them by version",
        message.ref);
  }
  AUGSTORE_TRY(state.catalog->DeleteCollection(message.ref));
  return ToFrame(EndReply{}, request.request_id);
}

Result<Frame> SetAlias(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const SetAliasRequest message, FromFrame<SetAliasRequest>(request));
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  AUGSTORE_TRY(state.catalog->SetAlias(message.kind, message.name, message.alias, message.version,
                                       message.note, {message.min_r2, message.force}));
  return ToFrame(EndReply{}, request.request_id);
}

}  // namespace augstore::handlers
