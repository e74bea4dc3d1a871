// Opening a store on RocksDB, without RocksDB's headers.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_

#include <memory>
#include <string>

#include "storage/store/store.h"

namespace augstore {

// The store in folder `path`. Errors: kNotFound (no store there and !create), kFailedPrecondition
// (another process holds it: the message names the server's address when it is a server; or a newer
// format), kDataLoss (damaged log).
Result<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& path,
                                                const StoreOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_
