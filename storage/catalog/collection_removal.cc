#include "storage/catalog/collection_removal.h"

#include <algorithm>
#include <set>
#include <vector>

#include "storage/catalog/catalog_internal.h"
#include "storage/collections/collection_chunks.h"

namespace augstore {
namespace {

// The versions that there are, and the lists that they need.
struct Living {
  std::vector<CollectionRecord> versions;
  std::set<uint32_t> own;    // that have a version's table
  std::set<uint32_t> lists;  // those, and the ones that tables name
};

Result<Living> FindLiving(Store* store) {
  AUGSTORE_ASSIGN(const auto entries, store->ListRecords(RecordKind::kCollection, ""));
  Living living;
  for (const RecordEntry& entry : entries) {
    AUGSTORE_ASSIGN(Versioned<CollectionRecord> version,
                    DecodeVersioned<CollectionRecord>(entry.key, entry.bytes));
    living.own.insert(version.record.sample_list);
    living.lists.insert(version.record.sample_list);
    living.lists.insert(version.record.lists.begin(), version.record.lists.end());
    living.versions.push_back(std::move(version.record));
  }
  return living;
}

// The chunks of `table` that are in lists which stay, but that no living version names.
Result<std::vector<ChunkId>> UnnamedChunks(Store* store, const Living& living,
                                           const ChunkTable& table) {
  std::set<ChunkId> unnamed;
  std::set<uint32_t> shared;
  for (size_t i = 0; i < table.size(); ++i) {
    if (!living.lists.contains(table.lists[i])) continue;
    unnamed.insert(ChunkOf(table, i));
    shared.insert(table.lists[i]);
  }
  for (const CollectionRecord& version : living.versions) {
    if (unnamed.empty()) break;
    const auto is_shared = [&](uint32_t list) { return shared.contains(list); };
    if (std::ranges::none_of(version.lists, is_shared)) continue;
    AUGSTORE_ASSIGN(const ChunkTable other, ReadTable(store, version));
    for (size_t i = 0; i < other.size(); ++i) unnamed.erase(ChunkOf(other, i));
  }
  return std::vector<ChunkId>(unnamed.begin(), unnamed.end());
}

Status DropUnnamed(Store* store, const Living& living, uint32_t list) {
  const Result<ChunkTable> table = ReadTable(store, list);
  if (!table.ok() && table.status().code() != Code::kNotFound) return table.status();
  std::set<uint32_t> lists = {list};
  std::vector<ChunkId> chunks;
  if (table.ok()) {
    lists.insert(table->lists.begin(), table->lists.end());
    AUGSTORE_ASSIGN(const std::vector<ChunkId> unnamed, UnnamedChunks(store, living, *table));
    for (const ChunkId& chunk : unnamed) {
      chunks.push_back(chunk);
      chunks.push_back({chunk.list, SummaryNumber(chunk.number)});
    }
    if (living.lists.contains(list)) chunks.push_back({list, kTableNumber});
  }
  std::erase_if(lists, [&](uint32_t named) { return living.lists.contains(named); });
  const std::vector<uint32_t> dead(lists.begin(), lists.end());
  return store->DropSamples(dead, chunks);
}

}  // namespace

Status DropUnnamedSamples(Store* store, uint32_t list) {
  AUGSTORE_ASSIGN(const Living living, FindLiving(store));
  return DropUnnamed(store, living, list);
}

Status DropLeftovers(Store* store) {
  AUGSTORE_ASSIGN(const auto lists, store->ListSampleLists());
  if (lists.empty()) return OkStatus();
  AUGSTORE_ASSIGN(const Living living, FindLiving(store));
  for (const uint32_t list : lists) {
    if (living.own.contains(list)) continue;
    const Status dropped = DropUnnamed(store, living, list);
    if (dropped.code() != Code::kDataLoss) AUGSTORE_TRY(dropped);
  }
  return OkStatus();
}

}  // namespace augstore
