// A stream's activity as JSON, for statistics and for the log.
#ifndef AUGSTORE_SERVER_METRICS_STREAM_JSON_H_
#define AUGSTORE_SERVER_METRICS_STREAM_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "server/metrics/stream_table.h"

namespace augstore {

// {"id", "who", "peer", "collection", "policy", "fingerprint", "rank", "world_size", "batch_size",
// "epoch",
//  "step", "steps", "batches", "rows", "seconds": since it began, "wait_for_server_s",
//  "wait_for_client_s", "trace_id": where it is in a trace}, waits that go on at `now` included.
nlohmann::ordered_json StreamJson(const StreamActivity& stream,
                                  StreamActivity::Clock::time_point now);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_STREAM_JSON_H_
