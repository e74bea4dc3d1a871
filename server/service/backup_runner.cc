#include "server/service/backup_runner.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "storage/backup/rocksdb_backup_list.h"

namespace augstore {
namespace {

Result<std::string> WithinReply(std::string json, const std::string& path) {
  if (json.size() <= kMaxRecordBytes) return json;
  return ResourceExhausted(
      "the listing of the backups at '{}' has {} bytes, more than a reply holds: list them on the "
      "server's machine, with `augstore backup ls --from`",
      path, json.size());
}

}  // namespace

BackupRunner::~BackupRunner() {
  const MutexLock lock(mutex_);
  if (run_ == nullptr) return;
  run_->progress.stop = true;
  run_->thread.join();
}

Result<std::string> BackupRunner::PathOf(const std::string& name) const {
  if (folder_.empty()) {
    return FailedPrecondition(
        "this server makes no backups: its operator must start it with --backup-dir DIR");
  }
  if (name.empty()) return folder_;
  AUGSTORE_TRY(ValidateName(name).WithContext("a folder of backups is one name, without '/'"));
  // What the folder of backups has itself.
  constexpr std::array<std::string_view, 8> kTaken = {
      ".", "..", "BACKUPS", "described", "meta", "private", "shared", "shared_checksum"};
  if (std::ranges::find(kTaken, name) == kTaken.end()) return folder_ + "/" + name;
  return InvalidArgument("'{}' is no name for a folder of backups", name);
}

Status BackupRunner::CheckRun(uint64_t number) {
  if (run_ != nullptr && run_->number == number) return OkStatus();
  return NotFound(
      "this server does not know that backup: it was restarted, or has begun another one since; "
      "`augstore backup ls` says which backups are complete");
}

BackupReply BackupRunner::State() {
  BackupReply reply;
  reply.total_bytes = run_->progress.total_bytes;
  reply.copied_bytes = run_->progress.copied_bytes;
  if (!run_->is_done) return reply;
  const Result<BackupDescription>& made = *run_->made;
  if (made.ok()) {
    reply.json = DescriptionJson(*made, /*with_versions=*/false);
  } else {
    reply.code = static_cast<uint8_t>(made.status().code());
    reply.message = made.status().message();
  }
  return reply;
}

Result<BackupReply> BackupRunner::Start(const StartBackupRequest& request) {
  AUGSTORE_ASSIGN(std::string path, PathOf(request.folder));
  const MutexLock lock(mutex_);
  if (run_ != nullptr && run_->number == request.run) return State();
  if (run_ != nullptr && !run_->is_done) {
    return FailedPrecondition(
        "a backup to '{}' is being made, {} of {} bytes are copied: wait until it is complete",
        run_->folder, run_->progress.copied_bytes.load(), run_->progress.total_bytes.load());
  }
  if (run_ != nullptr) run_->thread.join();
  run_ = std::make_unique<Run>();
  run_->number = request.run;
  run_->folder = path;
  try {
    run_->thread = std::thread([store = store_, run = run_.get(), last_made = &last_made_,
                                options = BackupOptions{path, request.bytes_per_second}] {
      run->made.emplace(CreateBackup(store, options, &run->progress));
      if (run->made->ok()) *last_made = std::time(nullptr);
      run->is_done = true;
    });
  } catch (const std::system_error& error) {
    run_.reset();
    return ResourceExhausted("no thread for a backup can be started: {}", error.what());
  }
  return State();
}

Result<BackupReply> BackupRunner::Get(uint64_t run) {
  const MutexLock lock(mutex_);
  AUGSTORE_TRY(CheckRun(run));
  return State();
}

Result<BackupReply> BackupRunner::Stop(uint64_t run) {
  const MutexLock lock(mutex_);
  AUGSTORE_TRY(CheckRun(run));
  run_->progress.stop = true;
  return State();
}

Result<BackupListReply> BackupRunner::List(const ListBackupsRequest& request) const {
  AUGSTORE_ASSIGN(const std::string path, PathOf(request.folder));
  AUGSTORE_ASSIGN(std::string json, BackupsJson(path, request.id));
  AUGSTORE_ASSIGN(json, WithinReply(std::move(json), path));
  return BackupListReply{std::move(json)};
}

}  // namespace augstore
