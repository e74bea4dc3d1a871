// A store in memory: for tests, and as the proof that the interface suits more than RocksDB.
#ifndef AUGSTORE_STORAGE_STORE_MEMORY_STORE_H_
#define AUGSTORE_STORAGE_STORE_MEMORY_STORE_H_

#include <memory>

#include "storage/store/store.h"

namespace augstore {

std::unique_ptr<Store> NewMemoryStore();

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_MEMORY_STORE_H_
