// Internal to the server folder: what a server shows of itself to Prometheus. docs/operations.md
// lists the families for people.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_METRICS_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_METRICS_H_

#include <string>

#include "schemas/base/status.h"
#include "server/service/service_state.h"

namespace augstore {

// All families, in the text format. Their number of series depends on the numbers of request types
// and status codes alone, never on what a store has or clients ask for. Errors: those of
// Store::Stats and Store::ListNames.
Result<std::string> DescribeMetrics(ServiceState& state);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_METRICS_H_
