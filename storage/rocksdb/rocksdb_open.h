// Opening a store on RocksDB, without RocksDB's headers.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_

#include <memory>
#include <string>

#include "storage/store/store.h"

namespace augstore {

// The store in folder `path`. Errors: kNotFound (no store there, and access is not kCreate),
// kFailedPrecondition (another process holds it: the message names the server's address when it is
// a server; another format), kDataLoss (a file is damaged or gone, or acknowledged writes are
// missing: nothing was changed), kUnavailable.
Result<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& path,
                                                const StoreOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPEN_H_
