// Internal to the server folder: the log, for what no client is told.
#ifndef AUGSTORE_SERVER_LOG_H_
#define AUGSTORE_SERVER_LOG_H_

#include <spdlog/logger.h>

namespace augstore {

// The spdlog logger "augstore" when the program has registered one, else one to standard error:
// standard output belongs to the program's results. Thread-safe.
spdlog::logger& Log();

}  // namespace augstore

#endif  // AUGSTORE_SERVER_LOG_H_
