// Giving the space of segments back in the RocksDB store.
#include <algorithm>
#include <atomic>
#include <map>
#include <stop_token>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {

Result<std::vector<StoredImage>> RocksDbStore::ListImages(SpaceId space, const ContentHash& after,
                                                          size_t most) {
  AUGSTORE_TRY(GetSpace(space));
  const std::string prefix = rocks::Big(space);
  const std::string begin = rocks::ImageKey(space, after);
  std::vector<StoredImage> images;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kImages);
  i->Seek(begin);
  if (after != ContentHash() && i->Valid() && i->key() == begin) i->Next();
  for (; images.size() < most && i->Valid() && i->key().starts_with(prefix); i->Next()) {
    const std::optional<rocks::ImageEntry> entry = rocks::ParseImage(i->value().ToStringView());
    const std::string_view key = i->key().ToStringView();
    if (!entry.has_value() || key.size() != begin.size()) {
      return DataLoss("the image index has an entry of another size; run `augstore verify`");
    }
    StoredImage& image = images.emplace_back();
    std::copy_n(key.begin() + static_cast<std::ptrdiff_t>(prefix.size()), image.image.bytes.size(),
                image.image.bytes.begin());
    image.row = entry->row;
    image.source = entry->source;
    image.erased = entry->erased;
  }
  AUGSTORE_TRY(FromRocks(i->status(), "the image index"));
  return images;
}

Result<std::vector<rocks::ImageEntry>> RocksDbStore::EntriesOf(
    SpaceId space, std::span<const StoredImage> images) {
  std::vector<rocks::ImageEntry> entries(images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    AUGSTORE_ASSIGN(const std::optional<std::string> value,
                    Get(kImages, rocks::ImageKey(space, images[i].image), "the image index"));
    if (!value.has_value()) continue;
    const std::optional<rocks::ImageEntry> entry = rocks::ParseImage(*value);
    if (entry.has_value() && entry->row == images[i].row) entries[i] = *entry;
  }
  return entries;
}

Status RocksDbStore::ForgetImages(SpaceId space, std::span<const StoredImage> images) {
  if (images.empty()) return OkStatus();
  const MutexLock lock(write_mutex_);
  AUGSTORE_ASSIGN(const auto entries, EntriesOf(space, images));
  rocksdb::WriteBatch batch(BatchBytes(0, images.size()));
  for (size_t i = 0; i < images.size(); ++i) {
    if (entries[i].row == kNoRow) continue;
    batch.Delete(family(kImages), rocks::ImageKey(space, images[i].image));
  }
  return batch.Count() == 0 ? OkStatus() : Write(&batch, "the removal of images");
}

// Whether tables still hold what was dropped. An estimate by blocks, and a segment fills a block.
bool RocksDbStore::TakesSpace(const Space& space, uint64_t segment) {
  const std::string begin = rocks::SegmentKey(space.id, segment);
  const std::string end = rocks::SegmentKey(space.id, segment + 1);
  const rocksdb::Range range(begin, end);
  for (const rocks::Family family_of : {kSegments, kMaps}) {
    uint64_t bytes = 0;
    const rocksdb::Status status = db_->GetApproximateSizes(rocksdb::SizeApproximationOptions(),
                                                            family(family_of), &range, 1, &bytes);
    if (status.ok() && bytes >= RowBytes(space.dtype, space.dim)) return true;
  }
  return false;
}

Result<DroppedSegments> RocksDbStore::DropSegments(SpaceId space_id,
                                                   std::span<const uint64_t> segments, bool apply) {
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  DroppedSegments dropped;
  std::vector<uint64_t> going;
  for (const uint64_t segment : segments) {
    const auto loaded = LoadSegment(*space, {space_id, segment});
    // What is gone already has no rows, and a damaged one stays: a compaction would fail at it.
    if (loaded.status().code() == Code::kUnavailable) return loaded.status();
    if (loaded.status().code() == Code::kNotFound && apply) {
      dropped.compact |= TakesSpace(*space, segment);
    }
    if (!loaded.ok()) continue;
    const auto maps = LoadSegment(*space, {space_id, segment, RowPart::kMap});
    dropped.rows += (*loaded)->rows;
    dropped.bytes += (*loaded)->bytes() + (maps.ok() ? (*maps)->bytes() : 0);
    going.push_back(segment);
  }
  dropped.segments = going.size();
  if (!apply || going.empty()) return dropped;
  {
    const MutexLock lock(write_mutex_);
    SpaceInfo info = space->info();
    info.rows -= dropped.rows;
    rocksdb::WriteBatch batch(BatchBytes(0, 2 * going.size() + 1));
    for (const uint64_t segment : going) {
      const std::string key = rocks::SegmentKey(space_id, segment);
      batch.Put(family(kSegments), key, rocksdb::Slice());
      batch.Delete(family(kMaps), key);
    }
    batch.Put(family(kRegistry), SpaceKey(info), EncodeSpace(info));
    AUGSTORE_TRY(Write(&batch, "the removal of segments"));
    space->rows = info.rows;
    for (const uint64_t segment : going) NoteSegmentRows({space_id, segment}, kGone);
  }
  for (const uint64_t segment : going) {
    cache_.Drop(space->directory(RowPart::kEmbedding), segment);
    cache_.Drop(space->directory(RowPart::kMap), segment);
  }
  dropped.compact = true;
  return dropped;
}

Result<std::string> RocksDbStore::WithoutRows(const Space& space, const SegmentId& id,
                                              std::span<const size_t> rows) {
  const rocks::Family family_of = id.part == RowPart::kMap ? kMaps : kSegments;
  const std::string key = rocks::SegmentKey(id.space, id.segment);
  AUGSTORE_ASSIGN(const std::optional<std::string> value, Get(family_of, key, DescribeSegment(id)));
  if (!value.has_value() || value->empty()) return std::string();
  AUGSTORE_TRY(LoadSegment(space, id));  // whether it is damaged
  return EraseInSegment(*value, rows);
}

Status RocksDbStore::EraseImages(SpaceId space_id, std::span<const StoredImage> images) {
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  // What was appended lately goes to tables of its own, which the compaction then does not meet.
  AUGSTORE_TRY(FlushAll());
  std::map<uint64_t, std::vector<StoredImage>> by_segment;
  for (const StoredImage& image : images) by_segment[image.row / kSegmentRows].push_back(image);
  for (const auto& [segment, some] : by_segment) {
    const SegmentId embeddings{space_id, segment, RowPart::kEmbedding};
    const SegmentId maps{space_id, segment, RowPart::kMap};
    std::vector<size_t> offsets;
    for (const StoredImage& image : some) offsets.push_back(image.row % kSegmentRows);
    // A reader that loaded the segment before must have put it into the cache, or come later.
    const LoadTurns::Turn turn(&load_turns_, embeddings);
    const LoadTurns::Turn map_turn(&load_turns_, maps);
    const MutexLock lock(write_mutex_);
    AUGSTORE_ASSIGN(const std::string values, WithoutRows(*space, embeddings, offsets));
    AUGSTORE_ASSIGN(const std::string map_values, WithoutRows(*space, maps, offsets));
    AUGSTORE_ASSIGN(const auto entries, EntriesOf(space_id, some));
    rocksdb::WriteBatch batch(BatchBytes(values.size() + map_values.size(), 2 + some.size()));
    const std::string key = rocks::SegmentKey(space_id, segment);
    if (!values.empty()) batch.Put(family(kSegments), key, values);
    if (!map_values.empty()) batch.Put(family(kMaps), key, map_values);
    for (size_t i = 0; i < some.size(); ++i) {
      if (entries[i].row == kNoRow) continue;
      const ContentHash* source = entries[i].source.has_value() ? &*entries[i].source : nullptr;
      batch.Put(family(kImages), rocks::ImageKey(space_id, some[i].image),
                rocks::EncodeImage(some[i].row, source, /*erased=*/true));
    }
    if (batch.Count() == 0) continue;
    AUGSTORE_TRY(Write(&batch, "the erasure of rows"));
    const uint16_t known = KnownRows(embeddings);
    if (known != 0 && known != kReported) {
      NoteSegmentRows(embeddings, static_cast<uint16_t>(known | kHasErased));
    }
    cache_.Drop(space->directory(RowPart::kEmbedding), segment);
    cache_.Drop(space->directory(RowPart::kMap), segment);
  }
  return FlushAll();  // out of the log
}

Status RocksDbStore::CompactSegments(const SegmentRange& range, const std::stop_token& stop) {
  AUGSTORE_TRY(FlushAll());  // so that all tables of the compaction can be checked
  const std::string first = rocks::SegmentKey(range.space, range.begin);
  const std::string last = rocks::SegmentKey(range.space, range.end);
  const rocksdb::Slice from(first);
  const rocksdb::Slice to(last);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  // A long one must not hold up a server that stops.
  std::atomic<bool> canceled{false};
  const std::stop_callback cancel(stop, [&canceled] { canceled = true; });
  options.canceled = &canceled;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (const rocks::Family compacted : {kSegments, kMaps}) {
    AUGSTORE_TRY(CheckTables(compacted, first, last));
    const rocksdb::Status done = db_->CompactRange(options, family(compacted), &from, &to);
    if (canceled) return Unavailable("giving space back was stopped before its end");
    AUGSTORE_TRY(FromRocks(done, "giving space back"));
  }
  return OkStatus();
}

}  // namespace augstore
