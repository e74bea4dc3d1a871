#include "server/service/service_backup.h"

namespace augstore::handlers {

Result<BackupReply> StartBackup(ServiceState& state, StartBackupRequest& message) {
  return state.backups.Start(message);
}

Result<BackupReply> GetBackup(ServiceState& state, GetBackupRequest& message) {
  return state.backups.Get(message.run);
}

Result<BackupReply> StopBackup(ServiceState& state, StopBackupRequest& message) {
  return state.backups.Stop(message.run);
}

Result<BackupListReply> ListBackups(ServiceState& state, ListBackupsRequest& message) {
  return state.backups.List(message);
}

}  // namespace augstore::handlers
