#include "storage/backup/rocksdb_metered_files.h"

#include <utility>

namespace augstore {
namespace {

class MeteredFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  MeteredFile(std::unique_ptr<rocksdb::FSSequentialFile> file, CopyProgress* progress)
      : rocksdb::FSSequentialFileOwnerWrapper(std::move(file)), progress_(progress) {}

  rocksdb::IOStatus Read(size_t bytes, const rocksdb::IOOptions& options, rocksdb::Slice* result,
                         char* scratch, rocksdb::IODebugContext* debug) override {
    if (progress_->stop) return rocksdb::IOStatus::Aborted("stopped");
    rocksdb::IOStatus status =
        rocksdb::FSSequentialFileOwnerWrapper::Read(bytes, options, result, scratch, debug);
    if (status.ok()) progress_->copied_bytes += result->size();
    return status;
  }

 private:
  CopyProgress* const progress_;
};

}  // namespace

rocksdb::IOStatus MeteredFiles::NewSequentialFile(const std::string& name,
                                                  const rocksdb::FileOptions& options,
                                                  std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                                  rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = target()->NewSequentialFile(name, options, file, debug);
  if (status.ok()) *file = std::make_unique<MeteredFile>(std::move(*file), progress_);
  return status;
}

std::unique_ptr<rocksdb::Env> MeteredEnv(rocksdb::Env* base, CopyProgress* progress) {
  return rocksdb::NewCompositeEnv(std::make_shared<MeteredFiles>(base->GetFileSystem(), progress));
}

}  // namespace augstore
