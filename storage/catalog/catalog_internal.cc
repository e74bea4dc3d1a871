#include "storage/catalog/catalog_internal.h"

#include <chrono>

namespace augstore {

std::string Describe(const RecordKey& key) {
  return fmt::format("{} '{}@{}'", RecordKindName(key.kind), key.name, key.version);
}

RecordKey AliasKey(RecordKind kind, const std::string& name) {
  return {RecordKind::kAliases, fmt::format("{}/{}", RecordKindName(kind), name), 1};
}

int64_t UnixNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace augstore
