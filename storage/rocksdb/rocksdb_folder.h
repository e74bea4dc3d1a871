// The folder of a store: what it holds, and who may write it.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_FOLDER_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_FOLDER_H_

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// Its files and folders; on an error those that came before it.
std::vector<std::filesystem::directory_entry> ListFolder(const std::filesystem::path& folder,
                                                         std::error_code& error);

// A folder in a store that is being restored: what there is, is not whole yet.
inline constexpr char kRestoringFolder[] = "RESTORING";

enum class FolderState : uint8_t {
  kAbsent,  // no such folder
  kEmpty,   // nothing, or what an interrupted creation left
  kStore,
};
// Errors: kFailedPrecondition (something else is there, or half a restore), kDataLoss (a store that
// lost the file by which RocksDB knows it), kUnavailable.
Result<FolderState> InspectFolder(const std::string& path);
// kNotFound, for a folder that is no store.
Status NoStore(const std::string& path, FolderState state);

// Makes the folder, for its owner alone, with those above it; durably. Errors: kUnavailable.
Status MakePrivateFolder(const std::string& path);

// Holds the folder for one process, until it is destroyed. The lock is on the folder itself: unlike
// a lock file it cannot be deleted.
class FolderLock {
 public:
  // Errors: kFailedPrecondition (another process holds it: the message names the server's address
  // when it is a server), kUnavailable.
  static Result<FolderLock> Take(const std::string& path);
  // Whether a process holds it now.
  static bool IsHeld(const std::string& path);

  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_FOLDER_H_
