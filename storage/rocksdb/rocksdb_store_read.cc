// Reading rows from the RocksDB store.
#include <algorithm>
#include <array>
#include <cstring>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_guard.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

// Rows that are looked up, and asked for, before the first of them is copied.
constexpr size_t kRowsAhead = 32;
constexpr size_t kRowsPerReader = 1024;   // that are only looked up
constexpr size_t kMostPrefetched = 4096;  // bytes: after them the processor has seen the pattern

void PrefetchRow(const Segment& segment, RowId row) {
  const size_t offset = row % kSegmentRows;
  if (offset >= segment.rows) return;
  const std::span<const uint8_t> bytes = segment.row(offset);
  const size_t size = std::min(bytes.size(), kMostPrefetched);
  for (size_t at = 0; at < size; at += kAlignment)
    __builtin_prefetch(bytes.data() + at, 0, 2);  // into the second cache: 32 rows fill the first
}

}  // namespace

Result<std::shared_ptr<const Segment>> RocksDbStore::LoadSegment(const Space& space,
                                                                 const SegmentId& id) {
  const bool feature_maps = id.part == RowPart::kMap;
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // the block cache would hold the bytes a second time
  rocksdb::PinnableSlice value;
  const std::string key = rocks::SegmentKey(id.space, id.segment);
  const rocksdb::Status status = InRocksDb(
      [&] { return db_->Get(options, family(feature_maps ? kMaps : kSegments), key, &value); });
  if (status.IsNotFound()) {
    if (id.segment >= space.segments) return NoSuchRow(space.info(), id.segment * kSegmentRows);
    if (feature_maps) return NoMap(space.info(), id.segment * kSegmentRows);
    return DataLoss("{} is missing; run `augstore verify`", DescribeSegment(id));
  }
  AUGSTORE_TRY(FromRocks(status, DescribeSegment(id)));
  if (value.empty()) return NoSuchRow(space.info(), id.segment * kSegmentRows);  // given back
  return DecodeSegment(id, feature_maps ? 0 : space.dim, feature_maps ? Dtype::kU8 : space.dtype,
                       value.ToStringView());
}

Result<std::shared_ptr<const Segment>> RocksDbStore::KeepSegment(Space& space,
                                                                 const SegmentId& id) {
  const LoadTurns::Turn turn(&load_turns_, id);
  SegmentDirectory& directory = space.directory(id.part);
  if (auto held = cache_.Share(directory, id.segment); held != nullptr) return held;
  AUGSTORE_ASSIGN(std::shared_ptr<const Segment> loaded, LoadSegment(space, id));
  cache_.Insert(&directory, id.segment, loaded);
  return loaded;
}

Status RocksDbStore::CopyRow(const Segment& segment, const Space& space, RowId row,
                             const RowSink& out, size_t i) {
  const size_t offset = row % kSegmentRows;
  if (!segment.Has(offset)) return NoSuchRow(space.info(), row);
  const std::span<const uint8_t> bytes = segment.row(offset);
  if (out.stored != nullptr) {
    std::memcpy(out.stored + i * bytes.size(), bytes.data(), bytes.size());
    return OkStatus();
  }
  const std::span<float> values = out.values.row(i);
  if (segment.dim != values.size()) {
    return FeatureMapSizeDiffers(space.info(), row, segment.dim, values.size());
  }
  DecodeRow(segment.dtype, bytes, values);
  return OkStatus();
}

Status RocksDbStore::ReadRows(SpaceId space_id, std::span<const RowId> rows, MatrixView out,
                              const Cancellation& cancellation) {
  AUGSTORE_CHECK(rows.size() == out.rows);
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  AUGSTORE_TRY(CheckReadColumns(space->info(), out.cols));
  return ReadPart(*space, RowPart::kEmbedding, rows, {out}, cancellation);
}

Status RocksDbStore::ReadStoredRows(SpaceId space_id, std::span<const RowId> rows,
                                    std::span<uint8_t> out, const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  AUGSTORE_CHECK(out.size() == rows.size() * RowBytes(space->dtype, space->dim));
  return ReadPart(*space, RowPart::kEmbedding, rows, {{}, out.data()}, cancellation);
}

Status RocksDbStore::ReadFeatureMaps(SpaceId space_id, std::span<const RowId> rows, MatrixView out,
                                     const Cancellation& cancellation) {
  AUGSTORE_CHECK(rows.size() == out.rows);
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  return ReadPart(*space, RowPart::kMap, rows, {out}, cancellation);
}

void RocksDbStore::ReadAheadOf(SpaceId space_id, RowPart part, std::span<const RowId> rows,
                               const std::weak_ptr<const void>& wanted) {
  const auto space = GetSpace(space_id);
  if (!space.ok()) return;
  std::vector<SegmentId> absent;
  for (size_t begin = 0; begin < rows.size(); begin += kRowsPerReader) {
    const SegmentCache::Reader reader(&cache_);
    for (const RowId row : rows.subspan(begin, std::min(kRowsPerReader, rows.size() - begin))) {
      const SegmentId id{space_id, row / kSegmentRows, part};
      if (!absent.empty() && absent.back() == id) continue;
      if (reader.Find((*space)->directory(part), id.segment) == nullptr) absent.push_back(id);
    }
  }
  if (!absent.empty()) read_ahead_->Ask(absent, wanted);
}

Status RocksDbStore::ReadPart(Space& space, RowPart part, std::span<const RowId> rows,
                              const RowSink& out, const Cancellation& cancellation) {
  const SegmentDirectory& directory = space.directory(part);
  std::vector<size_t> missing;
  std::array<const Segment*, kRowsAhead> held;
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAhead) {
    const std::span<const RowId> some =
        rows.subspan(begin, std::min(kRowsAhead, rows.size() - begin));
    const SegmentCache::Reader reader(&cache_);
    for (size_t i = 0; i < some.size(); ++i) {
      held[i] = reader.Find(directory, some[i] / kSegmentRows);
      if (held[i] != nullptr) PrefetchRow(*held[i], some[i]);
    }
    for (size_t i = 0; i < some.size(); ++i) {
      if (held[i] == nullptr) {
        missing.push_back(begin + i);
      } else {
        AUGSTORE_TRY(CopyRow(*held[i], space, some[i], out, begin + i));
      }
    }
  }
  if (missing.empty()) return OkStatus();
  return ReadMissing(space, part, rows, std::move(missing), out, cancellation);
}

Status RocksDbStore::ReadMissing(Space& space, RowPart part, std::span<const RowId> rows,
                                 std::vector<size_t> missing, const RowSink& out,
                                 const Cancellation& cancellation) {
  // By segment, so that each is loaded once and only one is held, however small the cache is.
  std::sort(missing.begin(), missing.end(), [&](size_t a, size_t b) { return rows[a] < rows[b]; });
  std::shared_ptr<const Segment> held;
  uint64_t held_segment = ~uint64_t{0};
  for (size_t i : missing) {
    const uint64_t segment = rows[i] / kSegmentRows;
    if (segment != held_segment) {
      AUGSTORE_TRY(cancellation.Check());
      auto loaded = KeepSegment(space, {space.id, segment, part});
      if (loaded.status().code() == Code::kNotFound) return NoSuchRow(space.info(), rows[i]);
      AUGSTORE_TRY(loaded);
      held = *std::move(loaded);
      held_segment = segment;
    }
    AUGSTORE_TRY(CopyRow(*held, space, rows[i], out, i));
  }
  return OkStatus();
}

}  // namespace augstore
