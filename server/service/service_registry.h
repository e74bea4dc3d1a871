// Internal to the server folder: handlers for the registry and for the server itself.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_

#include "server/service/service_handler.h"

#define AUGSTORE_REGISTRY_HANDLERS(M) \
  M(ServerInfo, ServerInfoReply)      \
  M(Stats, StatsReply)                \
  M(Verify, VerifyReply)              \
  M(GetRecord, RecordReply)           \
  M(ListRecords, RecordListReply)     \
  M(AddRecord, RecordReply)           \
  M(DeleteRecord, EndReply)           \
  M(SetAlias, EndReply)

namespace augstore::handlers {
AUGSTORE_REGISTRY_HANDLERS(AUGSTORE_DECLARE_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_
