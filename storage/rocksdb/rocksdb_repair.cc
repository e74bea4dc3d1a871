#include "storage/rocksdb/rocksdb_repair.h"

#include <filesystem>

#include "schemas/base/files.h"
#include "storage/rocksdb/rocksdb_folder.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_log.h"
#include "storage/rocksdb/rocksdb_options.h"
#include "storage/rocksdb/rocksdb_recovery.h"
#include "storage/rocksdb/store_mark.h"
#include "storage/store/server_mark.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

// Durably: the originals go when the store is opened.
Status CopyLogs(const std::string& path, const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  std::vector<fs::directory_entry> files;
  if (!error) files = ListFolder(path, error);
  if (error) return Unavailable("the logs cannot be copied to '{}': {}", to, error.message());
  for (const fs::directory_entry& file : files) {
    if (file.path().extension() != ".log") continue;
    AUGSTORE_ASSIGN(const std::string bytes, ReadFile(file.path(), ~size_t{0}));
    AUGSTORE_TRY(WriteFileAtomically(fs::path(to) / file.path().filename(), bytes));
  }
  return SyncFolderOf(to);
}

Result<std::string> ReadId(OpenedDatabase& opened) {
  std::string id;
  AUGSTORE_TRY(FromRocks(opened.db->Get(rocksdb::ReadOptions(), opened.families[rocks::kDefault],
                                        std::string(rocks::kIdKey), &id),
                         "the store's id"));
  return id;
}

Status Apply(const std::string& path, RepairReport* report) {
  AUGSTORE_ASSIGN(const FolderLock lock, FolderLock::Take(path));
  report->logs = path + "/damaged-logs";
  AUGSTORE_TRY(CopyLogs(path, report->logs));
  AUGSTORE_ASSIGN(OpenedDatabase opened, OpenPrefix(path, StoreAccess::kWrite));
  AUGSTORE_ASSIGN(const std::string id, ReadId(opened));
  report->kept = opened.db->GetLatestSequenceNumber();
  return WriteMark(path, {id, report->kept});
}

}  // namespace

Result<RepairReport> RepairStore(const std::string& path, bool apply) {
  AUGSTORE_ASSIGN(const FolderState state, InspectFolder(path));
  if (state != FolderState::kStore) return NoStore(path, state);
  // Another process may replace files while they are looked at.
  if (FolderLock::IsHeld(path)) return StoreIsHeld(path);
  const Result<MarkNote> mark = ReadMark(path);
  if (mark.ok() && mark->sequence == 0) return NoStore(path, FolderState::kEmpty);
  RepairReport report;
  if (mark.ok()) report.acknowledged = mark->sequence;
  const Result<OpenedDatabase> whole = OpenForReading(path, mark);
  if (whole.ok()) {
    report.kept = whole->db->GetLatestSequenceNumber();
    return report;
  }
  if (whole.status().code() != Code::kDataLoss) return whole.status();
  report.needed = true;
  AUGSTORE_ASSIGN(OpenedDatabase prefix, OpenPrefix(path, StoreAccess::kRead));
  AUGSTORE_ASSIGN(const std::string id, ReadId(prefix));
  if (mark.ok() && mark->store_id != id) report.acknowledged.reset();  // of another store
  report.kept = prefix.db->GetLatestSequenceNumber();
  prefix = {};
  if (apply) AUGSTORE_TRY(Apply(path, &report));
  return report;
}

}  // namespace augstore
