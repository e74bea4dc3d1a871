// Internal to the server folder: the file of an audit log, rotated by size.
#ifndef AUGSTORE_SERVER_ACCESS_AUDIT_FILE_H_
#define AUGSTORE_SERVER_ACCESS_AUDIT_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// Thread safety: one thread at a time.
class AuditFile {
 public:
  static constexpr int kKept = 9;  // older files, audit.1.jsonl (the newest) to audit.9.jsonl
  static constexpr uint64_t kMaxBytes = uint64_t{64} << 20;  // by default

  // The files that there may be of a store, oldest first.
  static std::vector<std::string> PathsIn(const std::string& store);

  // At most `most` lines, the newest last, of those that the newest files end with.
  static std::vector<std::string> LastLines(const std::string& store, size_t most);

  // Files of at most `max_bytes`, or one line, in the folder `audit` of `store`. It is made with
  // the first line.
  AuditFile(const std::string& store, uint64_t max_bytes);
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  // Appends one line, which has its end. Errors: kUnavailable, naming the file and the reason; no
  // part of the line is then left, unless the device does not even allow that.
  Status Append(std::string_view line);

 private:
  Status Open();
  Status Rotate();
  void Close();

  const std::string folder_;
  const uint64_t max_bytes_;
  int file_ = -1;
  uint64_t size_ = 0;  // of the whole lines in it
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_AUDIT_FILE_H_
