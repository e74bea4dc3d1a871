#include "storage/catalog/catalog_internal.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "schemas/base/limits.h"

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

Result<AliasHistory> ReadHistory(Store* store, const RecordKey& key) {
  const Result<std::string> bytes = store->ReadRecord(key);
  if (bytes.status().code() == Code::kNotFound) return AliasHistory();
  AUGSTORE_TRY(bytes);
  return Decode<AliasHistory>(*bytes);
}

Status WriteMoves(Store* store, const RecordKey& key, AliasHistory history,
                  std::vector<AliasMove> moves) {
  if (history.moves.size() + moves.size() > kMaxAliasMoves) {
    return ResourceExhausted("the aliases of {} were moved {} times: use another name", key.name,
                             history.moves.size());
  }
  std::ranges::move(moves, std::back_inserter(history.moves));
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(history));
  return store->PutRecord(key.kind, key.name, bytes);
}

}  // namespace augstore
