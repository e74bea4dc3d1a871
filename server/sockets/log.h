// Internal to the server folder: the log, for what no client is told.
#ifndef AUGSTORE_SERVER_SOCKETS_LOG_H_
#define AUGSTORE_SERVER_SOCKETS_LOG_H_

#include <spdlog/logger.h>

#include <string>

namespace augstore {

// The spdlog logger "augstore" when the program has registered one, else one to standard error:
// standard output belongs to the program's results. Thread-safe.
spdlog::logger& Log();
// A warning that a peer can cause as often as it likes: at most ten a second are logged, and the
// number of those that were left out. Thread-safe.
void WarnOfPeer(const std::string& text);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_LOG_H_
