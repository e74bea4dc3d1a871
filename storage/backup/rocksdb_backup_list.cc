#include "storage/backup/rocksdb_backup_list.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/backup/backup_folder.h"
#include "storage/backup/rocksdb_backup_engine.h"
#include "storage/backup/rocksdb_metered_files.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

// What the engine finds wrong with backup `id`, by the names and the sizes of its files.
Status CheckSizes(const rocksdb::BackupEngineReadOnlyBase& engine, const std::string& folder,
                  uint32_t id) {
  rocksdb::BackupInfo info;
  return FromEngine(engine.GetBackupInfo(id, &info), nullptr,
                    fmt::format("backup {} at '{}' is damaged", id, folder));
}

Result<std::vector<BackupEntry>> ListEntries(const BackupFolder& folder,
                                             const rocksdb::BackupEngineReadOnlyBase& engine) {
  std::vector<BackupEntry> entries;
  AUGSTORE_ASSIGN(const std::vector<uint32_t> ids, folder.ListIds());
  for (const uint32_t id : ids) {
    BackupEntry entry{id, OkStatus(), {}};
    Result<BackupDescription> description = folder.Describe(id);
    if (description.status().code() == Code::kUnavailable) return description.status();
    entry.status = description.ok() ? CheckSizes(engine, folder.path(), id) : description.status();
    if (entry.status.ok()) entry.description = *std::move(description);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// The names and sizes of a backup's files.
std::map<std::string, uint64_t> FilesOf(const rocksdb::BackupEngine& engine, uint32_t id) {
  std::map<std::string, uint64_t> files;
  rocksdb::BackupInfo info;
  if (!engine.GetBackupInfo(id, &info, /*include_file_details=*/true).ok()) return files;
  for (const auto& file : info.file_details) files[file.relative_filename] = file.size;
  return files;
}

// What goes and what stays, without a change. Errors: as PruneBackups.
Result<PruneReport> PlanPrune(const std::string& folder, const std::vector<BackupEntry>& entries,
                              const PruneRule& rule, const rocksdb::BackupEngine& engine) {
  PruneReport report;
  uint64_t newer = 0;  // that are whole
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (!entry->status.ok()) {
      // Whole, for all that is known: another version of augstore may say so.
      if (entry->status.code() != Code::kDataLoss) return entry->status;
      // The newest may be all that there is of some versions, even if it is damaged.
      if (newer == 0) {
        return FailedPrecondition(
            "nothing was removed, because the newest backup is damaged ({}): make a backup first",
            entry->status.message());
      }
      report.removed.push_back(entry->id);
      continue;
    }
    const bool is_young = rule.keep_since_unix_s.has_value() &&
                          entry->description.created_unix_s >= *rule.keep_since_unix_s;
    const bool stays = newer == 0 || newer < rule.keep_newest || is_young;
    (stays ? report.kept : report.removed).push_back(entry->id);
    ++newer;
  }
  if (newer == 0) return NotFound("there are no complete backups at '{}'", folder);
  std::map<std::string, uint64_t> going;
  for (const uint32_t id : report.removed) going.merge(FilesOf(engine, id));
  for (const uint32_t id : report.kept) {
    for (const auto& [name, size] : FilesOf(engine, id)) going.erase(name);
  }
  for (const auto& [name, size] : going) report.freed_bytes += size;
  std::ranges::sort(report.removed);
  std::ranges::sort(report.kept);
  return report;
}

}  // namespace

Result<std::vector<BackupEntry>> ListBackups(const std::string& path) {
  AUGSTORE_ASSIGN(const BackupFolder folder, BackupFolder::Open(path, BackupFolder::Use::kRead));
  AUGSTORE_ASSIGN(const std::vector<uint32_t> ids, folder.ListIds());
  if (ids.empty()) return std::vector<BackupEntry>();
  AUGSTORE_ASSIGN(const auto engine,
                  OpenEngineToRead(EngineOptions(folder.path(), rocksdb::Env::Default(), 0)));
  return ListEntries(folder, *engine);
}

Result<std::string> BackupsJson(const std::string& path, uint32_t id) {
  if (id != 0) {
    AUGSTORE_ASSIGN(const BackupFolder folder, BackupFolder::Open(path, BackupFolder::Use::kRead));
    AUGSTORE_ASSIGN(const BackupDescription description, folder.Describe(id));
    return DescriptionJson(description, /*with_versions=*/true);
  }
  AUGSTORE_ASSIGN(const std::vector<BackupEntry> entries, ListBackups(path));
  Json backups = Json::array();
  for (const BackupEntry& entry : entries) {
    Json json = {{"id", entry.id}, {"problem", entry.status.message()}};
    if (entry.status.ok()) {
      json.update(Json::parse(DescriptionJson(entry.description, /*with_versions=*/false)));
    }
    backups.push_back(std::move(json));
  }
  return Json{{"backups", std::move(backups)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status VerifyBackup(const std::string& path, uint32_t id, CopyProgress* progress) {
  AUGSTORE_ASSIGN(const BackupFolder folder, BackupFolder::Open(path, BackupFolder::Use::kRead));
  AUGSTORE_ASSIGN(const BackupDescription description, folder.Describe(id));
  const std::unique_ptr<rocksdb::Env> metered = MeteredEnv(rocksdb::Env::Default(), progress);
  AUGSTORE_ASSIGN(const auto engine,
                  OpenEngineToRead(EngineOptions(folder.path(), metered.get(), 0)));
  progress->copied_bytes = 0;  // of what opening read
  progress->total_bytes = description.bytes;
  return FromEngine(engine->VerifyBackup(id, /*verify_with_checksum=*/true), progress,
                    fmt::format("backup {} at '{}' is damaged", id, path));
}

Result<std::unique_ptr<Store>> OpenBackup(const std::string& path, uint32_t id) {
  AUGSTORE_ASSIGN(BackupFolder opened, BackupFolder::Open(path, BackupFolder::Use::kRead));
  const auto folder = std::make_shared<const BackupFolder>(std::move(opened));
  AUGSTORE_ASSIGN(const BackupDescription description, folder->Describe(id));
  AUGSTORE_ASSIGN(const auto engine,
                  OpenEngineToRead(EngineOptions(folder->path(), rocksdb::Env::Default(), 0)));
  rocksdb::BackupInfo info;
  AUGSTORE_TRY(FromEngine(engine->GetBackupInfo(id, &info, /*include_file_details=*/true), nullptr,
                          fmt::format("backup {} at '{}' is damaged", id, path)));
  return OpenStoreInBackup(info, description.store_id, description.sequence, folder);
}

Result<PruneReport> PruneBackups(const std::string& path, const PruneRule& rule, bool apply) {
  AUGSTORE_ASSIGN(const BackupFolder folder, BackupFolder::Open(path, BackupFolder::Use::kRemove));
  rocksdb::BackupEngine* opened = nullptr;
  AUGSTORE_TRY(FromEngine(
      rocksdb::BackupEngine::Open(EngineOptions(folder.path(), rocksdb::Env::Default(), 0),
                                  rocksdb::Env::Default(), &opened),
      nullptr, fmt::format("the backups at '{}' cannot be read", path)));
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  AUGSTORE_ASSIGN(const std::vector<BackupEntry> entries, ListEntries(folder, *engine));
  AUGSTORE_ASSIGN(PruneReport report, PlanPrune(path, entries, rule, *engine));
  if (!apply) return report;
  for (const uint32_t id : report.removed) {
    AUGSTORE_TRY(folder.RemoveDescription(id));
    const rocksdb::Status removed = engine->DeleteBackup(id);
    // A damaged one may have lost the list by which the engine knows it.
    if (!removed.IsNotFound()) {
      AUGSTORE_TRY(FromEngine(removed, nullptr, fmt::format("backup {} cannot be removed", id)));
    }
  }
  AUGSTORE_TRY(FromEngine(engine->GarbageCollect(), nullptr, "what is left cannot be removed"));
  return report;
}

}  // namespace augstore
