#include "tests/storage/rocksdb/faulty_files.h"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "schemas/base/files.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Call = FaultyFiles::Call;

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, FaultyFiles* files)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), files_(files) {}

  // Room is not set aside: a file system in memory would fill it.
  void PrepareWrite(size_t /*offset*/, size_t /*bytes*/, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {}
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_->Allow(Call::kAppend);
    if (!status.ok()) return status;
    status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) files_->Appended(name_, data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*info*/, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_->Allow(Call::kSync);
    if (!status.ok()) return status;
    status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) files_->Synced(name_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  const std::string name_;
  FaultyFiles* const files_;
};

class WatchedReader final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  WatchedReader(std::unique_ptr<rocksdb::FSRandomAccessFile> file, FaultyFiles* files)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), files_(files) {}
  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus status = files_->Allow(Call::kRead);
    if (!status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
  }

 private:
  FaultyFiles* const files_;
};

class WatchedFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedFolder(std::unique_ptr<rocksdb::FSDirectory> folder, FaultyFiles* files)
      : FSDirectoryWrapper(std::move(folder)), files_(files) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_->Allow(Call::kFolderSync);
    if (!status.ok()) return status;
    status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) files_->FolderSynced();
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*reason*/) override {
    return Fsync(options, debug);
  }

 private:
  FaultyFiles* const files_;
};

class QuickClock final : public rocksdb::SystemClockWrapper {
 public:
  QuickClock() : rocksdb::SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "QuickClock"; }
  void SleepForMicroseconds(int micros) override {
    rocksdb::SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000));
  }
};

class QuickEnv final : public rocksdb::EnvWrapper {
 public:
  explicit QuickEnv(const std::shared_ptr<FaultyFiles>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<QuickClock>();
  }
};

}  // namespace

void FaultyFiles::FailAt(Call call, uint64_t number, bool forever) {
  const std::lock_guard lock(mutex_);
  failing_ = call;
  fail_at_ = number;
  fail_forever_ = forever;
  calls_ = 0;
}

uint64_t FaultyFiles::calls() {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FaultyFiles::CutPower() {
  const std::lock_guard lock(mutex_);
  power_is_cut_ = true;
}

IOStatus FaultyFiles::Allow(Call call) {
  const std::lock_guard lock(mutex_);
  if (power_is_cut_ && call != Call::kRead) return IOStatus::IOError("the power is cut");
  if (call != failing_) return IOStatus::OK();
  ++calls_;
  if (fail_at_ == 0 || calls_ < fail_at_ || (calls_ > fail_at_ && !fail_forever_)) {
    return IOStatus::OK();
  }
  return IOStatus::IOError("an injected fault");
}

void FaultyFiles::Appended(const std::string& name, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  written_[name].size += bytes;
}

void FaultyFiles::Synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  written_[name].synced = written_[name].size;
}

void FaultyFiles::FolderSynced() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, file] : written_) file.has_entry = true;
  replaced_.clear();
}

void FaultyFiles::LoseUnsynced() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, file] : written_) {
    if (!fs::exists(name)) continue;
    if (!file.has_entry) {
      fs::remove(name);
    } else if (file.synced < fs::file_size(name)) {
      fs::resize_file(name, file.synced);
    }
  }
  for (const auto& [name, content] : replaced_) {
    std::ofstream(name, std::ios::binary | std::ios::trunc) << content;
  }
}

IOStatus FaultyFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      IODebugContext* debug) {
  IOStatus status = Allow(Call::kOpen);
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  status = target()->NewWritableFile(name, options, &opened, debug);
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    written_[name] = {};
  }
  *file = std::make_unique<WatchedFile>(std::move(opened), name, this);
  return status;
}

IOStatus FaultyFiles::NewRandomAccessFile(const std::string& name,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                          IODebugContext* debug) {
  IOStatus status = Allow(Call::kOpen);
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::FSRandomAccessFile> opened;
  status = target()->NewRandomAccessFile(name, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<WatchedReader>(std::move(opened), this);
  return status;
}

IOStatus FaultyFiles::NewDirectory(const std::string& name, const IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* folder,
                                   IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  IOStatus status = target()->NewDirectory(name, options, &opened, debug);
  if (status.ok()) *folder = std::make_unique<WatchedFolder>(std::move(opened), this);
  return status;
}

IOStatus FaultyFiles::RenameFile(const std::string& from, const std::string& to,
                                 const IOOptions& options, IODebugContext* debug) {
  IOStatus status = Allow(Call::kRename);
  if (!status.ok()) return status;
  const Result<std::string> before = ReadFile(to, 64u << 20);
  status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (before.ok()) {
    replaced_.emplace(to, *before);  // the oldest, which the device has
    written_.erase(to);
  } else if (const auto source = written_.find(from); source != written_.end()) {
    written_[to] = source->second;
    written_[to].has_entry = false;
  }
  written_.erase(from);
  return status;
}

IOStatus FaultyFiles::DeleteFile(const std::string& name, const IOOptions& options,
                                 IODebugContext* debug) {
  const IOStatus status = Allow(Call::kRename);
  return status.ok() ? target()->DeleteFile(name, options, debug) : status;
}

std::unique_ptr<rocksdb::Env> FaultyEnv(const std::shared_ptr<FaultyFiles>& files) {
  return std::make_unique<QuickEnv>(files);
}

}  // namespace augstore
