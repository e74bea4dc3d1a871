// Small functions that the catalog's files share. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_CATALOG_INTERNAL_H_
#define AUGSTORE_STORAGE_CATALOG_CATALOG_INTERNAL_H_

#include <string>
#include <vector>

#include "schemas/records/records.h"
#include "storage/store/store.h"

namespace augstore {

// "collection 'cifar10@2'".
std::string Describe(const RecordKey& key);

// Where the aliases of (kind, name) are kept.
RecordKey AliasKey(RecordKind kind, const std::string& name);

int64_t UnixNow();

// Empty if no alias was ever moved.
Result<AliasHistory> ReadHistory(Store* store, const RecordKey& key);

// Appends moves to what was read from `key`, an AliasKey, and writes it. Errors:
// kResourceExhausted (its aliases were moved too often), those of the store.
Status WriteMoves(Store* store, const RecordKey& key, AliasHistory history,
                  std::vector<AliasMove> moves);

template <typename T>
Result<Versioned<T>> DecodeVersioned(const RecordKey& key, std::string_view bytes) {
  Result<T> record = Decode<T>(bytes);
  if (!record.ok()) return record.status().WithContext(Describe(key));
  return Versioned<T>{key.name, key.version, *std::move(record)};
}

// The record's bytes, once it is certain that they can be read again. Errors: kInvalidArgument.
template <typename T>
Result<std::string> EncodeChecked(const T& record) {
  std::string bytes = Encode(record);
  const Result<T> again = Decode<T>(bytes);
  if (!again.ok()) {
    return InvalidArgument("the record cannot be stored: {}", again.status().message());
  }
  return bytes;
}

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_CATALOG_INTERNAL_H_
