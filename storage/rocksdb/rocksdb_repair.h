// Bringing a store that lost acknowledged writes back into use.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_REPAIR_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_REPAIR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "schemas/base/status.h"

namespace augstore {

struct RepairReport {
  // Entries: what a write stores under one key, such as a record or the row of an image. The store
  // keeps the first `kept` of them.
  uint64_t kept = 0;
  // What the mark notes; nothing when the mark is damaged or gone, so that nobody knows.
  std::optional<uint64_t> acknowledged;
  // Where the log was copied to, when it held more than is kept.
  std::string logs;
  bool needed = false;  // false: the store opens as it is

  uint64_t lost() const {
    return acknowledged.has_value() && *acknowledged > kept ? *acknowledged - kept : 0;
  }
};

// Keeps the writes before the first one that is missing or damaged, as they were, and nothing after
// it: a later write may build on one that is lost. Without `apply` nothing is changed, and the
// report says what would be kept. The logs are copied to a folder "damaged-logs" in the store
// first. Errors: kNotFound, kFailedPrecondition (another process holds the store), kDataLoss (a
// table or the list of tables is damaged, which needs a backup), kUnavailable.
Result<RepairReport> RepairStore(const std::string& path, bool apply);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_REPAIR_H_
