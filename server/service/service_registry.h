// Internal to the server folder: handlers for the registry and for the server itself.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_

#include "server/service/service_handler.h"

#define AUGSTORE_REGISTRY_HANDLERS(M) \
  M(ServerInfo, ServerInfoReply)      \
  M(RepairRows, RepairRowsReply)      \
  M(GetRecord, RecordReply)           \
  M(AddRecord, RecordReply)           \
  M(DeleteRecord, DeletionReply)      \
  M(SetAlias, EndReply)
#define AUGSTORE_REGISTRY_LONG_HANDLERS(M) \
  M(Verify, VerifyReply)                   \
  M(Garbage, GarbageReply)                 \
  M(EraseSample, EraseSampleReply)
#define AUGSTORE_REGISTRY_CALLER_HANDLERS(M) \
  M(Stats, StatsReply)                       \
  M(ListRecords, RecordListReply)

namespace augstore::handlers {
// Records of other kinds are how the store works inside. Errors: kInvalidArgument.
Status CheckPublicKind(RecordKind kind);

AUGSTORE_REGISTRY_HANDLERS(AUGSTORE_DECLARE_HANDLER)
AUGSTORE_REGISTRY_LONG_HANDLERS(AUGSTORE_DECLARE_LONG_HANDLER)
AUGSTORE_REGISTRY_CALLER_HANDLERS(AUGSTORE_DECLARE_CALLER_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_REGISTRY_H_
