#include "storage/rocksdb/rocksdb_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <ctime>
#include <filesystem>

namespace augstore {
namespace {

constexpr size_t kMaxLogBytes = 4u << 20;

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

}  // namespace

RocksDbLog::RocksDbLog(const std::string& folder) : path_(folder + "/LOG") {
  const MutexLock lock(mutex_);
  file_ = std::fopen(path_.c_str(), "ae");
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path_, error);
  bytes_ = error ? 0 : bytes;
}

RocksDbLog::~RocksDbLog() {
  const MutexLock lock(mutex_);
  if (file_ != nullptr) std::fclose(file_);
}

void RocksDbLog::Logv(const char* format, va_list arguments) {
  std::array<char, 1024> line{};  // a longer line is cut
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (size < 0) return;
  const MutexLock lock(mutex_);
  if (bytes_ >= kMaxLogBytes) Rotate();
  if (file_ == nullptr) return;
  const int written = std::fprintf(file_, "%s %s\n", Now().c_str(), line.data());
  if (written < 0 || std::fflush(file_) != 0) {
    std::clearerr(file_);
  } else {
    bytes_ += static_cast<size_t>(written);
  }
}

void RocksDbLog::Rotate() {
  if (file_ != nullptr) std::fclose(file_);
  std::error_code ignored;  // then the log grows on
  std::filesystem::rename(path_, path_ + ".old", ignored);
  file_ = std::fopen(path_.c_str(), "ae");
  bytes_ = 0;
}

}  // namespace augstore
