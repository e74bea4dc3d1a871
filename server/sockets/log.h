// Internal to the server folder: the log, for what no client is told.
#ifndef AUGSTORE_SERVER_SOCKETS_LOG_H_
#define AUGSTORE_SERVER_SOCKETS_LOG_H_

#include <spdlog/logger.h>

#include <string>

#include "server/metrics/stream_table.h"

namespace augstore {

// The spdlog logger "augstore" when the program has registered one, else one to standard error:
// standard output belongs to the program's results. Thread-safe.
spdlog::logger& Log();
// How lines are written, and from which level on ("debug", "info", "warn", "error"); text and
// "info" at the start. In JSON a line is an object with "time" (RFC 3339, UTC), "level" and
// "message", or the fields of its event. Before other threads log. REQUIRES: `level` is one of
// these.
enum class LogFormat { kText, kJson };
void ConfigureLog(LogFormat format, const std::string& level);
// The line of a stream that one connection has read, at its end: who, what, how much, how fast, and
// what it waited for. Thread-safe.
void LogStream(const StreamActivity& stream);
// A warning that a peer can cause as often as it likes: at most ten a second are logged, and the
// number of those that were left out. Thread-safe.
void WarnOfPeer(const std::string& text);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_LOG_H_
