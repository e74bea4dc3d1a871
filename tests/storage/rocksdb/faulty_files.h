// Files that fail, and that lose what was not synced.
#ifndef AUGSTORE_TESTS_STORAGE_ROCKSDB_FAULTY_FILES_H_
#define AUGSTORE_TESTS_STORAGE_ROCKSDB_FAULTY_FILES_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace augstore {

// The default file system, with faults. Thread-safe.
class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  enum class Call { kAppend, kSync, kRename, kOpen, kRead, kFolderSync };

  FaultyFiles() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFiles"; }

  // The `number`-th (from 1) call of this kind fails from now on, and with `forever` all after it.
  void FailAt(Call call, uint64_t number, bool forever);
  // Calls of the chosen kind since then.
  uint64_t calls();

  // From now on every change fails, as when the power is gone.
  void CutPower();
  // Takes from the folder what a device need not have kept: bytes that were not synced, and files
  // and renames whose folder was not synced. REQUIRES: CutPower, and nobody has a file open.
  void LoseUnsynced();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // For the files that this opens: whether the call may go on.
  rocksdb::IOStatus Allow(Call call);
  void Appended(const std::string& name, uint64_t bytes);
  void Synced(const std::string& name);
  void FolderSynced();

 private:
  struct Written {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool has_entry = false;  // its folder was synced since it was made
  };

  std::mutex mutex_;
  bool power_is_cut_ = false;
  Call failing_ = Call::kAppend;
  uint64_t calls_ = 0;
  uint64_t fail_at_ = 0;  // 0: never
  bool fail_forever_ = false;
  std::map<std::string, Written> written_;
  // What a file had before a rename replaced it, while the folder was not synced since.
  std::map<std::string, std::string> replaced_;
};

// RocksDB's environment with these files. After a failed flush RocksDB sleeps for a second, which
// it does not here.
std::unique_ptr<rocksdb::Env> FaultyEnv(const std::shared_ptr<FaultyFiles>& files);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_ROCKSDB_FAULTY_FILES_H_
