// What a server has done since its start, and what it does now. Threads count here as they work;
// server/service/service_metrics.h shows the sums.
#ifndef AUGSTORE_SERVER_METRICS_SERVER_METRICS_H_
#define AUGSTORE_SERVER_METRICS_SERVER_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "schemas/base/status.h"
#include "server/access/access.h"
#include "server/metrics/histogram.h"
#include "server/metrics/minute_history.h"
#include "server/metrics/stream_table.h"

namespace augstore {

inline constexpr size_t kStatusCodes = static_cast<size_t>(Code::kInternal) + 1;

// Thread-safe: every member is.
struct ServerMetrics {
  using Counter = std::atomic<uint64_t>;
  template <size_t n>
  using Counters = std::array<Counter, n>;

  // By number of type; 0: unknown.
  Counters<kRequestTypes> requests{};
  std::array<Histogram, kRequestTypes> request_seconds;  // of those with one reply
  Counters<kStatusCodes> errors{};                       // replies, by code
  Counters<kStatusCodes> refused{};                      // connections and keys, by code
  Counter reply_bytes{0};
  std::atomic<uint32_t> connections{0};

  // Of runs of batches.
  std::atomic<uint32_t> running_streams{0};
  Counter batches{0};
  Counter batches_built{0};  // computed for them
  Counter rows{0};           // in those batches
  Histogram build_seconds;   // of each batch that was computed
  // What workers did in that time.
  TimeSum store_seconds;
  TimeSum transform_seconds;
  TimeSum encode_seconds;
  Counter launches{0};  // times that a chain was applied to a block of rows
  Counter launch_rows{0};
  // What connections waited for in runs: the next batch to be built, the client to take it.
  TimeSum wait_for_server_seconds;
  TimeSum wait_for_client_seconds;

  StreamTable streams;

  MinuteHistory history;
  ServerTotals Totals() const {
    uint64_t all_requests = 0;
    for (const Counter& count : requests) all_requests += count;
    return {rows, batches, all_requests, wait_for_server_seconds.seconds(),
            wait_for_client_seconds.seconds()};
  }

  // When the certificate of listeners with TLS ends, in Unix seconds; 0: there is none.
  std::atomic<int64_t> certificate_ends{0};
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_SERVER_METRICS_H_
