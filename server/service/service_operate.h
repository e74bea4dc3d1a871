// Internal to the server folder: handlers of requests of those who operate a server.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_OPERATE_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_OPERATE_H_

#include "server/service/service_handler.h"

#define AUGSTORE_OPERATE_HANDLERS(M) \
  M(StopStream, EndReply)            \
  M(ReadAudit, JsonReply)            \
  M(Config, JsonReply)

namespace augstore::handlers {
AUGSTORE_OPERATE_HANDLERS(AUGSTORE_DECLARE_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_OPERATE_H_
