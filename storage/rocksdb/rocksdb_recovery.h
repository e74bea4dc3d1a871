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
#include "storage/store/store.h"

namespace augstore {

// What a RocksDB status means to our callers; `what` names the item.
Status FromRocks(const rocksdb::Status& status, std::string_view what);

// An open database, and its families in the order of rocks::Family.
struct OpenedDatabase {
  OpenedDatabase() = default;
  OpenedDatabase(OpenedDatabase&&) = default;
  OpenedDatabase& operator=(OpenedDatabase&& other) noexcept;
  ~OpenedDatabase() { Close(); }
  void Close();

  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
};

// Opens the database for reading. REQUIRES: the folder's state is kStore. Errors:
// kFailedPrecondition (another program's database, or a store of format 1 or of a newer augstore,
// which is named), kDataLoss (a file is damaged or gone, or writes after `mark` are missing: the
// message says how many), kUnavailable.
// `mark` is what ReadMark returned, its error included.
Result<OpenedDatabase> OpenForReading(const std::string& path, const Result<MarkNote>& mark,
                                      rocksdb::Env* env = rocksdb::Env::Default());

// Opens the database with the writes before the first that is missing or damaged in its log,
// whatever the mark says; for repair alone. kWrite makes that its content. Errors: kDataLoss (a
// table or the list of tables is damaged), kUnavailable.
Result<OpenedDatabase> OpenPrefix(const std::string& path, StoreAccess access);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_RECOVERY_H_
