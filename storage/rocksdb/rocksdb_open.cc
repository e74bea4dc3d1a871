#include "storage/rocksdb/rocksdb_open.h"

#include "storage/rocksdb/rocksdb_store.h"

namespace augstore {

Result<std::unique_ptr<Store>> OpenRocksDbStore(const std::string& path,
                                                const StoreOptions& options) {
  return RocksDbStore::Open(path, options);
}

}  // namespace augstore
