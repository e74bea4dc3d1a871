// Opening a store's database without changing a byte, and deciding whether it has everything that
// was acknowledged.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_RECOVERY_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_RECOVERY_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"
#include "storage/rocksdb/store_mark.h"

namespace augstore {

// What a RocksDB status means to our callers; `what` names the item.
Status FromRocks(const rocksdb::Status& status, std::string_view what);

struct OpenedDatabase {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // rocks::Family
};

// Opens the database for reading. REQUIRES: the folder's state is kStore. Errors:
// kFailedPrecondition (another program's database, or a store of format 1), kDataLoss (a file is
// damaged or gone, or writes after `mark` are missing: the message says how many), kUnavailable.
// `mark` is what ReadMark returned, its error included.
Result<OpenedDatabase> OpenForReading(const std::string& path, const Result<MarkNote>& mark);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_RECOVERY_H_
