// Internal to the server folder: what the handlers of a Service share.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_STATE_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_STATE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "engine/streams/stream.h"
#include "schemas/base/memory_budget.h"
#include "schemas/wire/frame.h"
#include "server/access/access.h"
#include "server/access/audit_log.h"
#include "server/access/key_ring.h"
#include "server/cache/batch_cache.h"
#include "server/cache/engine_pool.h"
#include "server/cache/recently_used.h"
#include "server/metrics/server_metrics.h"
#include "server/service/backup_runner.h"
#include "server/service/service.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// A stream holds its sample table (some 20 bytes a sample) and shares its transforms with others.
// One that was dropped is resolved again.
inline constexpr size_t kCachedStreams = 32;
inline constexpr size_t kCachedTables = 8;

// Thread-safe: every member is, or is constant.
struct ServiceState {
  ServiceState(Catalog* the_catalog, const ServiceOptions& options)
      : catalog(the_catalog),
        address(options.address),
        folder(options.folder),
        least_free_bytes(options.least_free_bytes),
        settings(options.settings),
        audit(options.audit),
        spans(options.spans),
        memory(options.message_bytes, "requests and replies", [this] { return DropBatches(); }),
        stream_memory(options.stream_bytes, "sample tables and transforms",
                      [this] { return DropOldest(); }),
        keys(the_catalog->store()),
        store_id(IdOf(the_catalog->store())),
        models(the_catalog, &stream_memory),
        kept_batches(options.batch_cache_bytes),
        backups(the_catalog->store(), options.backup_folder) {}
  // Each gives up what is kept for later requests. False: there is nothing more.
  bool DropBatches() { return kept_batches.Clear(); }
  bool DropOldest() { return streams.DropOldest() || tables.DropOldest() || models.DropOldest(); }

  Catalog* const catalog;
  const std::string address;
  const std::string folder;  // of the store; empty: in memory
  const uint64_t least_free_bytes;
  const std::string settings;
  AuditLog* const audit;   // may be null
  SpanQueue* const spans;  // may be null
  // Before all that may hold shares of them.
  MemoryBudget memory;
  MemoryBudget stream_memory;
  KeyRing keys;
  const std::string store_id;  // empty: it could not be read
  ModelCache models;
  EnginePool engines{Precision::kF32};
  EnginePool int8_engines{Precision::kInt8};
  BatchCache kept_batches;
  RecentlyUsed<StreamSpec, Stream> streams{kCachedStreams};  // by the pinned spec
  // Of queries, by collection version, label column, and the views whose rows they have.
  RecentlyUsed<std::tuple<std::string, std::string, ViewNumbers>, SampleTable> tables{
      kCachedTables};

  BackupRunner backups;

  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  ServerMetrics metrics;

 private:
  static std::string IdOf(Store* store) {
    const Result<StoreStats> stats = store->Stats();
    return stats.ok() ? stats->id : "";
  }
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_STATE_H_
