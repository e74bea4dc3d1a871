// How the store's database is opened: families of keys and RocksDB's settings.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_

#include <rocksdb/db.h>

#include <vector>

namespace augstore {
namespace rocks {

// Column families, in the order of their handles.
enum Family { kDefault, kRegistry, kImages, kSegments, kSamples, kMaps, kFamilies };

}  // namespace rocks

// With a log that writes nothing. Files are those of `env`.
rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env);
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors();

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_
