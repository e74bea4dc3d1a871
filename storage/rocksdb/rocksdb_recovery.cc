#include "storage/rocksdb/rocksdb_recovery.h"

#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_options.h"

namespace augstore {
namespace {

constexpr std::string_view kGoOn = "restore a backup, or see `augstore repair --help`";

// Looks at each write that is recovered from the log. RocksDB takes a stretch of zeros for space
// that was never written and goes on after it, so writes in the middle can be missing: their
// numbers then have a gap.
class GapFinder final : public rocksdb::WalFilter {
 public:
  explicit GapFinder(bool stops) : stops_(stops) {}
  WalProcessingOption LogRecordFound(unsigned long long /*log*/, const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* /*changed*/,
                                     bool* /*is_changed*/) override {
    uint64_t first = 0;  // a batch begins with its number, little-endian
    std::memcpy(&first, batch.Data().data(), sizeof first);
    if (next_ != 0 && first > next_ && gap_.empty()) {
      gap_ = fmt::format("{} lacks the writes {} to {}", file, next_, first - 1);
    }
    if (stops_ && !gap_.empty()) return WalProcessingOption::kStopReplay;
    next_ = std::max(next_, first + batch.Count());
    return WalProcessingOption::kContinueProcessing;
  }
  const char* Name() const override { return "augstore.GapFinder"; }
  const std::string& gap() const { return gap_; }

 private:
  const bool stops_;  // at the gap: nothing after it is recovered
  uint64_t next_ = 0;
  std::string gap_;
};

// A file that is gone is damage: retrying does not bring it back.
Status OpenFailed(const std::string& path, const rocksdb::Status& status) {
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound()) {
    return DataLoss("store '{}' is damaged and was left as it is ({}): {}", path, status.ToString(),
                    kGoOn);
  }
  return FromRocks(status, fmt::format("store '{}' cannot be opened", path));
}

Result<OpenedDatabase> OpenWith(const rocksdb::DBOptions& options, const std::string& path,
                                StoreAccess access,
                                const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  OpenedDatabase opened;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      access == StoreAccess::kRead
          ? rocksdb::DB::OpenForReadOnly(options, path, families, &opened.families, &db)
          : rocksdb::DB::Open(options, path, families, &opened.families, &db);
  if (!status.ok()) return OpenFailed(path, status);
  opened.db.reset(db);
  return opened;
}

Result<std::string> ReadDefault(const OpenedDatabase& opened, std::string_view key) {
  std::string value;
  const rocksdb::Status read = opened.db->Get(
      rocksdb::ReadOptions(), opened.families[rocks::kDefault], std::string(key), &value);
  if (!read.ok() && !read.IsNotFound()) return FromRocks(read, "the store's format");
  return value;
}

Status CheckFormat(const std::string& path, const OpenedDatabase& opened, uint32_t format) {
  if (format == rocks::kStoreFormat) return OkStatus();
  if (format < rocks::kStoreFormat) {
    return FailedPrecondition(
        "store '{}' has format {}, which this augstore does not read: ingest into a new store",
        path, format);
  }
  AUGSTORE_ASSIGN(const std::string release, ReadDefault(opened, rocks::kReleaseKey));
  const std::string maker = release.empty() ? "" : fmt::format(", made by augstore {}", release);
  const std::string remedy =
      release.empty() ? "a newer augstore" : fmt::format("augstore {} or newer", release);
  return FailedPrecondition(
      "store '{}' has format {}{}; this augstore ({}) reads format {}: use {}", path, format, maker,
      AUGSTORE_VERSION, rocks::kStoreFormat, remedy);
}

// A newer augstore may have other families, or note other things in its mark; its format stays
// where ours is. Ok: whatever is wrong with the store, its format is not newer.
Status RefuseNewer(const std::string& path, rocksdb::Env* env) {
  const auto families = FamilyDescriptors();
  rocksdb::DBOptions options = DatabaseOptions(env);
  options.create_if_missing = false;
  const Result<OpenedDatabase> opened =
      OpenWith(options, path, StoreAccess::kRead, {families[rocks::kDefault]});
  if (!opened.ok()) return OkStatus();
  AUGSTORE_ASSIGN(const std::string format, ReadDefault(*opened, rocks::kFormatKey));
  const std::optional<uint32_t> number = rocks::ParseBig<uint32_t>(format);
  if (!number.has_value() || *number < rocks::kStoreFormat) return OkStatus();
  return CheckFormat(path, *opened, *number);
}

// A database without our families, or of a format that is not read any more or not yet.
Status RefuseForeign(const std::string& path, const Result<MarkNote>& mark, rocksdb::Env* env) {
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(DatabaseOptions(env), path, &names);
  if (!listed.ok()) return OpenFailed(path, listed);
  const auto is_listed = [&](const rocksdb::ColumnFamilyDescriptor& family) {
    return std::find(names.begin(), names.end(), family.name) != names.end();
  };
  const auto families = FamilyDescriptors();
  const bool has_ours = std::all_of(families.begin(), families.end(), is_listed);
  if (has_ours && names.size() == families.size() && mark.ok()) return OkStatus();
  AUGSTORE_TRY(RefuseNewer(path, env));
  if (mark.status().code() == Code::kFailedPrecondition) return mark.status();
  if (has_ours) return OkStatus();
  if (mark.ok()) {
    return DataLoss("store '{}' has lost the list of its tables: {}", path, kGoOn);
  }
  return FailedPrecondition("folder '{}' holds another RocksDB database: name another folder",
                            path);
}

Status CheckMark(const std::string& path, const OpenedDatabase& opened,
                 const Result<MarkNote>& mark) {
  const uint64_t recovered = opened.db->GetLatestSequenceNumber();
  if (mark.ok() && recovered < mark->sequence) {
    return DataLoss(
        "store '{}' has lost acknowledged writes: its mark notes {}, its log and tables end at {}. "
        "Nothing was changed: {}",
        path, mark->sequence, recovered, kGoOn);
  }
  AUGSTORE_ASSIGN(const std::string format, ReadDefault(opened, rocks::kFormatKey));
  AUGSTORE_ASSIGN(const std::string id, ReadDefault(opened, rocks::kIdKey));
  const std::optional<uint32_t> number = rocks::ParseBig<uint32_t>(format);
  if (!number.has_value() || id.empty()) {
    return DataLoss("store '{}' has lost its format or its id: restore a backup", path);
  }
  AUGSTORE_TRY(CheckFormat(path, opened, *number));
  if (mark.ok()) {
    if (mark->store_id == id) return OkStatus();
    return DataLoss(
        "store '{}' has id {}, and its file {} is of store {}: put the right one back, or {}", path,
        id, kMarkFile, mark->store_id, kGoOn);
  }
  if (mark.status().code() != Code::kNotFound) return mark.status();
  return DataLoss("store '{}' has lost its file {}, so that lost writes could not be noticed: {}",
                  path, kMarkFile, kGoOn);
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return OkStatus();
  if (status.IsCorruption()) {
    return DataLoss("{}: {}; run `augstore verify`", what, status.ToString());
  }
  if (status.IsNotFound()) return NotFound("{}: {}", what, status.ToString());
  if (status.IsIOError() || status.IsBusy() || status.IsTimedOut() || status.IsTryAgain() ||
      status.IsIncomplete() || status.IsShutdownInProgress()) {
    return Unavailable("{}: {}", what, status.ToString());
  }
  return Internal("{}: {}", what, status.ToString());
}

void OpenedDatabase::Close() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families) {
    db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  families.clear();
  db->Close().PermitUncheckedError();
  db.reset();
}

OpenedDatabase& OpenedDatabase::operator=(OpenedDatabase&& other) noexcept {
  Close();
  db = std::move(other.db);
  families = std::move(other.families);
  return *this;
}

Result<OpenedDatabase> OpenForReading(const std::string& path, const Result<MarkNote>& mark,
                                      rocksdb::Env* env) {
  AUGSTORE_TRY(RefuseForeign(path, mark, env));
  GapFinder filter(/*stops=*/false);
  rocksdb::DBOptions options = DatabaseOptions(env);
  options.create_if_missing = false;
  options.wal_filter = &filter;
  AUGSTORE_ASSIGN(OpenedDatabase opened,
                  OpenWith(options, path, StoreAccess::kRead, FamilyDescriptors()));
  if (!filter.gap().empty()) {
    return DataLoss("store '{}' has lost acknowledged writes: {}. Nothing was changed: {}", path,
                    filter.gap(), kGoOn);
  }
  AUGSTORE_TRY(CheckMark(path, opened, mark));
  return opened;
}

Result<OpenedDatabase> OpenPrefix(const std::string& path, StoreAccess access) {
  GapFinder filter(/*stops=*/true);
  rocksdb::DBOptions options = DatabaseOptions(rocksdb::Env::Default());
  options.create_if_missing = false;
  options.wal_filter = &filter;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_flush_during_recovery = false;  // the damaged log must not be read again
  return OpenWith(options, path, access, FamilyDescriptors());
}

}  // namespace augstore
