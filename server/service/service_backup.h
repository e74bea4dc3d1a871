// Internal to the server folder: handlers for backups.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_BACKUP_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_BACKUP_H_

#include "server/service/service_handler.h"

#define AUGSTORE_BACKUP_HANDLERS(M) \
  M(StartBackup, BackupReply)       \
  M(GetBackup, BackupReply)         \
  M(StopBackup, BackupReply)        \
  M(ListBackups, BackupListReply)

namespace augstore::handlers {
AUGSTORE_BACKUP_HANDLERS(AUGSTORE_DECLARE_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_BACKUP_H_
