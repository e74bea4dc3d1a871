#include "server/service/service_registry.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "server/metrics/stream_json.h"
#include "server/service/service_reply.h"

namespace augstore::handlers {
namespace {

// Decode reports damaged bytes as kDataLoss, the disk's fault. Here a client sent them.
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
        "'{}' does not name aliases: write '<kind>/<name>', for example 'transform/hflip'", ref);
  }
  AUGSTORE_ASSIGN(const RecordKind kind, ParseRecordKind(ref.substr(0, slash)));
  AUGSTORE_TRY(CheckPublicKind(kind));
  return catalog.GetAliases(kind, ref.substr(slash + 1));
}

// A transform that is stored can be applied. So the ops of a conditional transform must parse and
// fit its maps; the weights of any other are checked as they are read.
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
            "backbone '{}' was sent with {} bytes of weights: the store keeps no backbone's "
            "weights, send the record alone",
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
          "records of kind {} cannot be added, only backbones, transforms and heads: write a "
          "collection through a draft, move an alias with SetAlias",
          static_cast<int>(message.kind));
  }
}

// Whether a caller with a scope may see the record: what is not of a collection is shared by all.
bool IsVisible(const RecordKey& key, const Principal& caller) {
  constexpr std::string_view kOfCollections = "collection/";
  if (key.kind == RecordKind::kCollection) return caller.may_see(key.name);
  if (key.kind != RecordKind::kAliases || !key.name.starts_with(kOfCollections)) return true;
  return caller.may_see(std::string_view(key.name).substr(kOfCollections.size()));
}

// What does not tell about collections outside of the scope.
Result<StatsReply> ScopedStats(ServiceState& state, const Principal& caller,
                               const StoreStats& stats) {
  AUGSTORE_ASSIGN(const auto collections,
                  state.catalog->store()->ListRecords(RecordKind::kCollection, ""));
  const auto seen = std::ranges::count_if(
      collections, [&](const RecordEntry& entry) { return IsVisible(entry.key, caller); });
  const nlohmann::ordered_json json = {{"version", AUGSTORE_VERSION},
                                       {"store_id", stats.id},
                                       {"takes_writes", stats.write_error.empty()},
                                       {"collections", seen}};
  return StatsReply{json.dump()};
}

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

nlohmann::ordered_json StreamsJson(ServiceState& state) {
  nlohmann::ordered_json streams = nlohmann::ordered_json::array();
  const auto now = StreamActivity::Clock::now();
  for (const auto& stream : state.metrics.streams.List()) {
    streams.push_back(StreamJson(*stream, now));
    streams.back()["idle_s"] = stream->runs > 0 ? 0 : Seconds(now - stream->last.load());
  }
  return streams;
}

nlohmann::ordered_json CountRequests(const ServiceState& state) {
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  for (size_t type = 0; type < kRequestTypes; ++type) {
    const uint64_t count = state.metrics.requests[type].load();
    if (count == 0) continue;
    counts[type == 0 ? "unknown" : OperationName(static_cast<MessageType>(type))] = count;
  }
  return counts;
}

}  // namespace

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
    case RecordKind::kKey:
    case RecordKind::kErasure:
      break;
  }
  return InvalidArgument(
      "records of kind {} are internal to the store: request backbones, collections, transforms, "
      "heads or aliases",
      static_cast<int>(kind));
}

Result<ServerInfoReply> ServerInfo(ServiceState& state, ServerInfoRequest&) {
  AUGSTORE_ASSIGN(StoreStats stats, state.catalog->store()->Stats());
  return ServerInfoReply{AUGSTORE_VERSION, stats.id};
}

Result<StatsReply> Stats(ServiceState& state, StatsRequest&, const Principal& caller) {
  AUGSTORE_ASSIGN(const StoreStats stats, state.catalog->store()->Stats());
  if (!caller.scope.empty()) return ScopedStats(state, caller, stats);
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
      {"address", state.address},
      {"uptime_s", Seconds(uptime)},
      {"connections", state.metrics.connections.load()},
      {"spaces", std::move(spaces)},
      {"disk_bytes", stats.disk_bytes},
      {"resident_bytes", stats.resident_bytes},
      {"memory_budget_bytes", stats.memory_budget_bytes},
      {"message_bytes", state.memory.taken()},
      {"message_budget_bytes", state.memory.total()},
      {"stream_bytes", state.stream_memory.taken()},
      {"stream_budget_bytes", state.stream_memory.total()},
      {"draft_bytes", state.catalog->draft_memory().taken()},
      {"draft_budget_bytes", state.catalog->draft_memory().total()},
      {"takes_writes", stats.write_error.empty()},
      {"write_error", stats.write_error},
      {"audit_lines_lost", state.audit == nullptr ? 0 : state.audit->lost()},
      {"collections", collections.size()},
      {"requests", CountRequests(state)},
      {"batches", state.metrics.batches.load()},
      {"batches_built", state.metrics.batches_built.load()},
      {"batch_cache_bytes", state.kept_batches.resident_bytes()},
      {"rows", state.metrics.rows.load()},
      {"bytes", state.metrics.reply_bytes.load()},
      {"stages_s",
       {{"store", state.metrics.store_seconds.seconds()},
        {"transform", state.metrics.transform_seconds.seconds()},
        {"encode", state.metrics.encode_seconds.seconds()},
        {"wait_for_server", state.metrics.wait_for_server_seconds.seconds()},
        {"wait_for_client", state.metrics.wait_for_client_seconds.seconds()}}},
      {"history", state.metrics.history.ToJson(state.metrics.Totals())},
      {"streams", StreamsJson(state)},
  };
  return StatsReply{json.dump()};
}

Result<VerifyReply> Verify(ServiceState& state, VerifyRequest& message,
                           const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(VerifyStep step, state.catalog->Verify(message.cursor, cancellation));
  VerifyReply reply{std::move(step.cursor), step.checked, step.total, std::move(step.problems)};
  return reply;
}

Result<RepairRowsReply> RepairRows(ServiceState& state, RepairRowsRequest& message) {
  return state.catalog->store()->RepairRows(message.cursor, message.apply);
}

Result<RecordReply> GetRecord(ServiceState& state, GetRecordRequest& message) {
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  if (message.kind == RecordKind::kAliases) {
    AUGSTORE_ASSIGN(const AliasHistory history, ReadAliases(*state.catalog, message.ref));
    return RecordReply{message.kind, message.ref, 1, Encode(history), ""};
  }
  AUGSTORE_ASSIGN(const RecordKey key, state.catalog->Resolve(message.kind, message.ref));
  RecordReply reply{key.kind, key.name, key.version, "", ""};
  AUGSTORE_ASSIGN(reply.record, state.catalog->store()->ReadRecord(key));
  if (message.with_blob) {
    AUGSTORE_ASSIGN(reply.blob, state.catalog->store()->ReadBlob(key));
  }
  return reply;
}

Result<RecordListReply> ListRecords(ServiceState& state, ListRecordsRequest& message,
                                    const Principal& caller) {
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  AUGSTORE_ASSIGN(std::vector<RecordEntry> entries,
                  state.catalog->store()->ListRecords(message.kind, message.name));
  std::erase_if(entries, [&](const RecordEntry& entry) { return !IsVisible(entry.key, caller); });
  size_t bytes = 0;
  for (const RecordEntry& entry : entries) bytes += entry.key.name.size() + entry.bytes.size();
  if (entries.size() >= kVerifierMaxTables || bytes > kMaxReplyBytes / 2) {
    return ResourceExhausted(
        "{} records of kind {} with {} bytes are more than one reply holds ({} records, {} bytes): "
        "request those of one name",
        entries.size(), RecordKindName(message.kind), bytes, kVerifierMaxTables - 1,
        kMaxReplyBytes / 2);
  }
  RecordListReply reply;
  reply.records.reserve(entries.size());
  for (RecordEntry& entry : entries) {
    reply.records.push_back(
        {entry.key.kind, std::move(entry.key.name), entry.key.version, std::move(entry.bytes), ""});
  }
  return reply;
}

Result<RecordReply> AddRecord(ServiceState& state, AddRecordRequest& message) {
  AUGSTORE_ASSIGN(RecordKey key, AddDecoded(*state.catalog, message));
  return RecordReply{key.kind, std::move(key.name), key.version, "", ""};
}

Result<DeletionReply> DeleteRecord(ServiceState& state, DeleteRecordRequest& message) {
  return state.catalog->Delete(message.kind, message.ref, {message.cascade, message.preview});
}

Result<GarbageReply> Garbage(ServiceState& state, GarbageRequest& message,
                             const Cancellation& cancellation) {
  GarbageReply reply{message.run, {}};
  AUGSTORE_ASSIGN(reply.step, state.catalog->CollectGarbage(
                                  &reply.run, {message.apply, message.pairs}, cancellation));
  return reply;
}

Result<EraseSampleReply> EraseSample(ServiceState& state, EraseSampleRequest& message,
                                     const Cancellation& cancellation) {
  EraseSampleReply reply{message.run, {}};
  AUGSTORE_ASSIGN(reply.step, state.catalog->EraseSample(&reply.run, message.target, cancellation));
  if (reply.step.applied) state.DropBatches();  // one may have the image
  return reply;
}

Result<EndReply> SetAlias(ServiceState& state, SetAliasRequest& message) {
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  AUGSTORE_TRY(state.catalog->SetAlias(message.kind, message.name, message.alias, message.version,
                                       message.note, {message.min_r2, message.force}));
  return EndReply{};
}

}  // namespace augstore::handlers
