// What a server did between two looks at its statistics, for people.
#ifndef AUGSTORE_TOOLS_SERVE_SERVER_VIEW_H_
#define AUGSTORE_TOOLS_SERVE_SERVER_VIEW_H_

#include <string>

#include "tools/cli/command.h"

namespace augstore {

// Between two replies to StatsRequest of one server. Errors: kPermissionDenied (they were made for
// a key with a scope), kFailedPrecondition (they are not of a server, or it was restarted).
//   {"seconds", "rows_per_s", "batches_per_s", "bytes_per_s", "requests_per_s", "connections",
//    "stages" {"store", "transform", "encode"}: seconds of workers in a second,
//    "waits" {"server", "client"}: seconds of streams in a second, "bottleneck",
//    "streams" [{"who", "peer", "collection", "policy", "rank", "world_size", "epoch", "step",
//                "steps", "rows_per_s", "wait_for_server", "wait_for_client", "idle_s"}]}
Result<Json> CompareStats(const Json& before, const Json& now);

// One sentence: whether streams wait for the server or for their clients, and for which of its
// stages. `waits` and `stages` as above.
std::string BottleneckText(const Json& waits, const Json& stages);

// Three lines, and a table of streams.
std::string ServerViewText(const Json& view);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SERVE_SERVER_VIEW_H_
