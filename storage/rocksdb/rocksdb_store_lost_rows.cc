// Rows of the RocksDB store that cannot be read any more, and the images that had them. The cursor
// is one of the last two passes of Verify.
#include <algorithm>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

constexpr uint64_t kStepImages = 65536;

bool IsLoss(const Status& status) {
  return status.code() == Code::kDataLoss || status.code() == Code::kNotFound;
}

}  // namespace

Status RocksDbStore::CheckRows(SpaceId space_id, std::span<const RowId> rows) {
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  SegmentId id{space_id, ~uint64_t{0}};
  uint16_t known = 0;
  for (const RowId row : rows) {
    if (id.segment != row / kSegmentRows) {
      id.segment = row / kSegmentRows;
      known = KnownRows(id);
      if (known == 0) {
        const auto loaded = LoadSegment(*space, id);
        if (loaded.status().code() == Code::kNotFound) return NoSuchRow(space->info(), row);
        AUGSTORE_TRY(loaded);
        known = RowsToNote(**loaded);
        NoteSegmentRows(id, known);
      }
      if (known == kReported) {
        return DataLoss("{} is damaged; run `augstore repair --rows`", DescribeSegment(id));
      }
    }
    if (known == kGone) return NoSuchRow(space->info(), row);
    AUGSTORE_ASSIGN(const bool exists, RowExists(*space, row));
    if (!exists) return NoSuchRow(space->info(), row);
  }
  return OkStatus();
}

Result<RepairRowsStep> RocksDbStore::RepairRows(const std::string& cursor, bool apply) {
  const std::string at = cursor.empty() ? "segments 1 0" : cursor;
  if (!at.starts_with("images ")) {
    AUGSTORE_ASSIGN(VerifyStep step, Verify(at, {}));
    return RepairRowsStep{std::move(step.cursor), step.checked, step.total,
                          std::move(step.problems), 0};
  }
  std::string after;
  if (!rocksdb::Slice(std::string_view(at).substr(7)).DecodeHex(&after)) {
    return InvalidArgument("cursor '{}' is not one that a search for lost rows returned", at);
  }
  AUGSTORE_ASSIGN(RepairRowsStep step, LookForLostImages(after, apply));
  step.total = EstimateItems();
  return step;
}

Result<RepairRowsStep> RocksDbStore::LookForLostImages(const std::string& after, bool apply) {
  RepairRowsStep step;
  LostImages lost;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kImages);
  i->Seek(after);
  if (i->Valid() && i->key() == after) i->Next();
  for (; i->Valid() && step.checked < kStepImages; i->Next(), ++step.checked) {
    const std::string_view key = i->key().ToStringView();
    step.cursor = "images " + i->key().ToString(/*hex=*/true);
    const auto entry = rocks::ParseImage(i->value().ToStringView());
    if (entry.has_value() && entry->erased) continue;
    if (key.size() != sizeof(SpaceId) + sizeof(ContentHash) || !entry.has_value()) continue;
    const Status readable = CheckRows(rocks::GetBig<SpaceId>(key), {&entry->row, 1});
    if (IsLoss(readable)) {
      lost.emplace_back(key, i->value().ToString());
    } else {
      AUGSTORE_TRY(readable);
    }
  }
  AUGSTORE_TRY(FromRocks(i->status(), "the image index"));
  if (!i->Valid()) step.cursor.clear();
  step.images = lost.size();
  if (apply && !lost.empty()) {
    AUGSTORE_ASSIGN(step.images, ForgetLostImages(lost));
  }
  return step;
}

Result<uint64_t> RocksDbStore::ForgetLostImages(const LostImages& lost) {
  const MutexLock lock(write_mutex_);
  rocksdb::WriteBatch batch(BatchBytes(0, lost.size()));
  uint64_t forgotten = 0;
  for (const auto& [key, row] : lost) {
    // Another repair may have come first, and the image may have been stored again since.
    AUGSTORE_ASSIGN(const auto now, Get(kImages, key, "the image index"));
    if (now != row) continue;
    batch.Delete(family(kImages), key);
    ++forgotten;
  }
  if (forgotten > 0) AUGSTORE_TRY(Write(&batch, "the removal of lost images"));
  return forgotten;
}

}  // namespace augstore
