// Calls into RocksDB when memory may run out.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_GUARD_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_GUARD_H_

#include "schemas/base/out_of_memory.h"

namespace augstore {

// What a call that reads from RocksDB returns. RocksDB does not expect exceptions: after one in the
// middle of a call, the next call of the same thread, or closing the database, aborts. So the
// process ends here, with a message. Everything that was acknowledged is stored.
template <typename Call>
decltype(auto) InRocksDb(const Call& call) {
  try {
    return call();
  } catch (...) {
    EndForLackOfMemory();
  }
}

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_GUARD_H_
