#include "server/service/service_metrics.h"

#include <limits>
#include <string_view>

#include "server/metrics/metrics_text.h"
#include "server/metrics/process_metrics.h"

namespace augstore {
namespace {

double ToDouble(uint64_t value) { return static_cast<double>(value); }

std::string RequestName(size_t type) {
  return type == 0 ? "unknown" : OperationName(static_cast<MessageType>(type));
}

void AddRequests(const ServerMetrics& metrics, MetricsText* text) {
  text->BeginCounter("augstore_requests_total", "Requests that came, by kind.");
  for (size_t type = 0; type < kRequestTypes; ++type) {
    const uint64_t count = metrics.requests[type].load();
    if (count > 0) text->Add(ToDouble(count), {{"request", RequestName(type)}});
  }
  text->BeginHistogram("augstore_request_seconds",
                       "How long workers took to answer a request that has one reply, by kind.");
  for (size_t type = 0; type < kRequestTypes; ++type) {
    const bool is_run = static_cast<MessageType>(type) == MessageType::kBatchesRequest;
    if (metrics.requests[type].load() == 0 || is_run) continue;
    text->Add(metrics.request_seconds[type], {{"request", RequestName(type)}});
  }
  const auto by_code = [&](const ServerMetrics::Counters<kStatusCodes>& counts) {
    for (size_t code = 1; code < kStatusCodes; ++code) {
      text->Add(ToDouble(counts[code].load()),
                {{"code", std::string(CodeName(static_cast<Code>(code)))}});
    }
  };
  text->BeginCounter("augstore_errors_total",
                     "Requests that failed, also those that nobody waited for any more.");
  by_code(metrics.errors);
  text->BeginCounter("augstore_refused_total",
                     "Connections and keys that were refused before any request was looked at.");
  by_code(metrics.refused);
  text->Counter("augstore_reply_bytes_total", "Bytes of the bodies of replies.",
                ToDouble(metrics.reply_bytes.load()));
  text->Gauge("augstore_connections", "Connections that are served.",
              ToDouble(metrics.connections.load()));
}

void AddStreams(const ServerMetrics& metrics, MetricsText* text) {
  text->Gauge("augstore_running_streams", "Runs of batches that are being answered.",
              ToDouble(metrics.running_streams.load()));
  text->Counter("augstore_batches_total",
                "Batches that were made for streams, also the last few of a client that left.",
                ToDouble(metrics.batches.load()));
  text->Counter("augstore_batches_built_total",
                "Of these, those that were computed; the others were kept from another client.",
                ToDouble(metrics.batches_built.load()));
  text->Counter("augstore_rows_total", "Rows of these batches.", ToDouble(metrics.rows.load()));
  text->BeginHistogram("augstore_batch_build_seconds", "How long a worker took to build a batch.");
  text->Add(metrics.build_seconds);
  text->BeginCounter("augstore_stage_seconds_total",
                     "Seconds in which workers read rows (store), applied transforms (transform) "
                     "and did all else for batches (encode).");
  text->Add(metrics.store_seconds.seconds(), {{"stage", "store"}});
  text->Add(metrics.transform_seconds.seconds(), {{"stage", "transform"}});
  text->Add(metrics.encode_seconds.seconds(), {{"stage", "encode"}});
  text->BeginCounter("augstore_stream_wait_seconds_total",
                     "Seconds in which streams waited for their next batch to be built (server), "
                     "and for their client or the network to take it (client).");
  text->Add(metrics.wait_for_server_seconds.seconds(), {{"waits_for", "server"}});
  text->Add(metrics.wait_for_client_seconds.seconds(), {{"waits_for", "client"}});
  text->Counter("augstore_launches_total", "Times that a chain was applied to a block of rows.",
                ToDouble(metrics.launches.load()));
  text->Counter("augstore_launch_rows_total", "Rows of these blocks.",
                ToDouble(metrics.launch_rows.load()));
}

void AddMemory(ServiceState& state, const StoreStats& stats, MetricsText* text) {
  struct Holder {
    const char* name;
    uint64_t bytes;
    uint64_t budget;
  };
  const Holder holders[] = {
      {"segments", stats.resident_bytes, stats.memory_budget_bytes},
      {"messages", state.memory.taken(), state.memory.total()},
      {"streams", state.stream_memory.taken(), state.stream_memory.total()},
      {"drafts", state.catalog->draft_memory().taken(), state.catalog->draft_memory().total()},
      {"batch_cache", state.kept_batches.resident_bytes(), state.kept_batches.budget_bytes()}};
  text->BeginGauge("augstore_memory_bytes",
                   "Memory that is held, by what holds it (batch_cache: of messages).");
  for (const Holder& holder : holders) text->Add(ToDouble(holder.bytes), {{"holder", holder.name}});
  text->BeginGauge("augstore_memory_budget_bytes", "What each may hold at most; 0: no limit.");
  for (const Holder& holder : holders) {
    text->Add(ToDouble(holder.budget), {{"holder", holder.name}});
  }
}

Status AddStore(ServiceState& state, const StoreStats& stats, MetricsText* text) {
  uint64_t rows = 0;
  uint64_t segments = 0;
  for (const SpaceInfo& space : stats.spaces) {
    rows += space.rows;
    segments += space.segments;
  }
  text->Gauge("augstore_store_rows", "Embeddings that are stored.", ToDouble(rows));
  text->Gauge("augstore_store_segments", "Segments that have them.", ToDouble(segments));
  text->Gauge("augstore_store_bytes", "Bytes of the store's files.", ToDouble(stats.disk_bytes));
  text->Gauge("augstore_store_takes_writes",
              "1: the store takes writes; 0: one failed, and it has to be opened again.",
              stats.write_error.empty() ? 1 : 0);
  AUGSTORE_ASSIGN(const std::optional<DiskSpace> disk, FindDiskSpace(state.folder));
  if (disk.has_value()) {
    text->Gauge("augstore_disk_free_bytes", "Free bytes of the store's file system.",
                ToDouble(disk->free_bytes));
    text->Gauge("augstore_disk_bytes", "All bytes of the store's file system.",
                ToDouble(disk->total_bytes));
  }
  text->BeginGauge("augstore_names", "Names in the registry, by kind.");
  for (const RecordKind kind : {RecordKind::kBackbone, RecordKind::kCollection,
                                RecordKind::kTransform, RecordKind::kHead}) {
    AUGSTORE_ASSIGN(const auto names,
                    state.catalog->store()->ListNames(kind, std::numeric_limits<size_t>::max()));
    text->Add(ToDouble(names.size()), {{"kind", std::string(RecordKindName(kind))}});
  }
  return OkStatus();
}

}  // namespace

Result<std::string> DescribeMetrics(ServiceState& state) {
  AUGSTORE_ASSIGN(const StoreStats stats, state.catalog->store()->Stats());
  MetricsText text;
  text.BeginGauge("augstore_build_info", "1, with the version of the program.");
  text.Add(1, {{"version", AUGSTORE_VERSION}});
  AddRequests(state.metrics, &text);
  AddStreams(state.metrics, &text);
  AddMemory(state, stats, &text);
  AUGSTORE_TRY(AddStore(state, stats, &text));
  if (state.audit != nullptr) {
    text.Counter("augstore_audit_lines_lost_total", "Lines that the audit log lacks.",
                 ToDouble(state.audit->lost()));
  }
  if (state.spans != nullptr) {
    text.Counter("augstore_spans_lost_total", "Spans that the collector of traces did not get.",
                 ToDouble(state.spans->lost()));
  }
  if (const int64_t made = state.backups.last_made(); made > 0) {
    text.Gauge("augstore_last_backup_timestamp_seconds",
               "When this server last made a backup, in Unix time.", static_cast<double>(made));
  }
  if (const int64_t ends = state.metrics.certificate_ends.load(); ends > 0) {
    text.Gauge("augstore_certificate_expiry_timestamp_seconds",
               "When the certificate of the listeners ends, in Unix time.",
               static_cast<double>(ends));
  }
  AddProcessMetrics(&text);
  return text.Take();
}

}  // namespace augstore
