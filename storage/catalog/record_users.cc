#include "storage/catalog/record_users.h"

#include <set>

#include "schemas/base/names.h"
#include "schemas/records/lineage.h"
#include "storage/catalog/catalog_internal.h"

namespace augstore {
Result<RecordUsers> RecordUsers::Load(Store* store) {
  RecordUsers users;
  AUGSTORE_ASSIGN(const auto heads, store->ListRecords(RecordKind::kHead, ""));
  for (const RecordEntry& entry : heads) {
    Result<HeadRecord> head = Decode<HeadRecord>(entry.bytes);
    if (!head.ok()) continue;
    users.heads_.push_back({entry.key, std::move(head->lineage)});
  }
  AUGSTORE_ASSIGN(const auto aliases, store->ListRecords(RecordKind::kAliases, ""));
  for (const RecordEntry& entry : aliases) {
    Result<AliasHistory> history = Decode<AliasHistory>(entry.bytes);
    if (history.ok()) users.aliases_.emplace(entry.key, *std::move(history));
  }
  return users;
}

std::vector<DeletedRecord> RecordUsers::Of(const RecordKey& key) const {
  std::vector<DeletedRecord> found;
  const std::string ref = Ref{key.name, key.version, ""}.ToString();
  const auto history = aliases_.find(AliasKey(key.kind, key.name));
  if (history != aliases_.end()) {
    std::set<std::string> names;
    for (const AliasMove& move : history->second.moves) names.insert(move.alias);
    for (const std::string& name : names) {
      if (history->second.Find(name) != key.version) continue;
      found.push_back({key.kind, key.name, key.version, name, "points to " + ref});
    }
  }
  for (const Head& head : heads_) {
    std::string use = UseOf(head.lineage, key.kind, ref);
    if (use.empty()) continue;
    found.push_back({RecordKind::kHead, head.key.name, head.key.version, "", std::move(use)});
  }
  return found;
}

}  // namespace augstore
