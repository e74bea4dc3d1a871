// A folder with the backups of one store:
//
//   BACKUPS             which store's they are
//   described/<id>.json what backup <id> holds; written last: without it the backup was interrupted
//   meta/<id>           RocksDB's list of its files and their checksums
//   private/<id>/       the files that it alone has
//   shared_checksum/    tables, each once, for all backups that have it
//
// All but the first two are of RocksDB's backup engine.
#ifndef AUGSTORE_STORAGE_BACKUP_BACKUP_FOLDER_H_
#define AUGSTORE_STORAGE_BACKUP_BACKUP_FOLDER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/status.h"
#include "storage/backup/backup_description.h"

namespace augstore {

// The open folder, locked against those whom the use would disturb: one process adds, any number
// read meanwhile, and removing excludes both.
class BackupFolder {
 public:
  enum class Use { kRead, kAdd, kRemove };

  // Opens a folder that has backups. Errors: kNotFound (it has none), kFailedPrecondition (another
  // process uses it in a way that excludes this one; a link or a device inside), kDataLoss (BACKUPS
  // is damaged), kUnavailable.
  static Result<BackupFolder> Open(const std::string& path, Use use);
  // Opens it to add a backup of `store_id`; makes it where there is none, for its owner alone.
  // Errors: as Open; kFailedPrecondition (it holds something else, or another store's backups).
  static Result<BackupFolder> OpenToAdd(const std::string& path, const std::string& store_id);

  BackupFolder(BackupFolder&& other) noexcept;
  BackupFolder& operator=(BackupFolder&&) = delete;
  ~BackupFolder();

  const std::string& path() const { return path_; }
  const std::string& store_id() const { return store_id_; }

  // The numbers of the backups that are complete, ascending, damaged ones included.
  Result<std::vector<uint32_t>> ListIds() const;
  // Errors: kNotFound (no such backup, or it was interrupted; the message says which there are),
  // kDataLoss (the description or the list of files is damaged, or the list names a file that is
  // not in this folder), kUnavailable.
  Result<BackupDescription> Describe(uint32_t id) const;
  // Makes the backup count, durably. Errors: kUnavailable.
  Status AddDescription(const BackupDescription& description) const;
  // The reverse, before its files go.
  Status RemoveDescription(uint32_t id) const;
  // The SHA-256 of the list of files of backup `id`. Errors: as Describe.
  Result<Digest> CheckFileList(uint32_t id) const;

 private:
  BackupFolder(std::string path, std::string store_id)
      : path_(std::move(path)), store_id_(std::move(store_id)) {}
  Status Lock(Use use);
  std::string DescriptionPath(uint32_t id) const;

  std::string path_;
  std::string store_id_;
  int folder_fd_ = -1;  // shared by readers and the one who adds, exclusive for removing
  int adding_fd_ = -1;  // of BACKUPS, exclusive for adding
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_BACKUP_FOLDER_H_
