// Internal to the server folder: handlers of requests that people make who look around.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_BROWSE_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_BROWSE_H_

#include "server/service/service_handler.h"

#define AUGSTORE_BROWSE_CALLER_HANDLERS(M) M(Browse, RecordListReply)
#define AUGSTORE_BROWSE_LONG_HANDLERS(M) \
  M(DescribeCollection, JsonReply)       \
  M(Project, JsonReply)

namespace augstore::handlers {
AUGSTORE_BROWSE_CALLER_HANDLERS(AUGSTORE_DECLARE_CALLER_HANDLER)
AUGSTORE_BROWSE_LONG_HANDLERS(AUGSTORE_DECLARE_LONG_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_BROWSE_H_
