#include "storage/store/memory_store.h"

#include <algorithm>
#include <map>
#include <random>
#include <unordered_map>

#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"
#include "storage/store/memory_space.h"
#include "storage/store/segment.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

struct StoredRecord {
  std::string bytes;
  std::string blob;
};

class MemoryStore final : public Store {
 public:
  MemoryStore() {
    std::random_device random;
    for (int i = 0; i < 4; ++i) id_ += fmt::format("{:08x}", random());
  }

  Result<uint32_t> AddRecord(RecordKind kind, const std::string& name, std::string_view bytes,
                             std::string_view blob) override {
    AUGSTORE_TRY(CheckNewRecord(kind, name));
    const MutexLock lock(mutex_);
    const uint32_t version = ++next_versions_[{kind, name}];
    records_[{kind, name, version}] = {std::string(bytes), std::string(blob)};
    return version;
  }

  Status PutRecord(RecordKind kind, const std::string& name, std::string_view bytes) override {
    AUGSTORE_TRY(CheckPutRecord(kind, name));
    const MutexLock lock(mutex_);
    records_[{kind, name, 1}] = {std::string(bytes), ""};
    return OkStatus();
  }

  Result<std::string> ReadRecord(const RecordKey& key) override {
    AUGSTORE_TRY(CheckKind(key.kind));
    const MutexLock lock(mutex_);
    const auto found = records_.find(key);
    if (found == records_.end()) return NoSuchRecord(key);
    return found->second.bytes;
  }

  Result<std::string> ReadBlob(const RecordKey& key) override {
    AUGSTORE_TRY(CheckKind(key.kind));
    const MutexLock lock(mutex_);
    const auto found = records_.find(key);
    if (found == records_.end()) return NoSuchRecord(key);
    return found->second.blob;
  }

  Result<std::vector<RecordEntry>> ListRecords(RecordKind kind, const std::string& name) override {
    AUGSTORE_TRY(CheckKind(kind));
    const MutexLock lock(mutex_);
    std::vector<RecordEntry> entries;
    for (const auto& [key, record] : records_) {
      if (key.kind == kind && (name.empty() || key.name == name)) {
        entries.push_back({key, record.bytes});
      }
    }
    return entries;
  }

  Result<RecordEntry> LatestRecord(RecordKind kind, const std::string& name) override {
    AUGSTORE_TRY(CheckKind(kind));
    const MutexLock lock(mutex_);
    auto after = records_.upper_bound({kind, name, ~uint32_t{0}});
    if (after == records_.begin()) return NoSuchRecord(kind, name);
    const auto& [key, record] = *--after;
    if (key.kind != kind || key.name != name) return NoSuchRecord(kind, name);
    return RecordEntry{key, record.bytes};
  }

  Result<std::vector<std::string>> ListNames(RecordKind kind, size_t most) override {
    AUGSTORE_TRY(CheckKind(kind));
    const MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (auto i = records_.lower_bound({kind, "", 0});
         names.size() < most && i != records_.end() && i->first.kind == kind;
         i = records_.upper_bound({kind, names.back(), ~uint32_t{0}})) {
      names.push_back(i->first.name);
    }
    return names;
  }

  Status DeleteRecord(const RecordKey& key) override {
    AUGSTORE_TRY(CheckKind(key.kind));
    const MutexLock lock(mutex_);
    if (records_.erase(key) == 0) return NoSuchRecord(key);
    return OkStatus();
  }

  Result<SpaceId> OpenSpace(const Digest& backbone, uint32_t dim, Dtype dtype) override {
    AUGSTORE_TRY(CheckDim(dim));
    const MutexLock lock(mutex_);
    for (const auto& space : spaces_) {
      if (space->info.backbone != backbone) continue;
      if (space->info.dim != dim) return DimDiffers(space->info, dim);
      if (space->info.dtype == dtype) return space->info.id;
    }
    auto space = std::make_unique<MemorySpace>();
    space->info.id = static_cast<SpaceId>(spaces_.size() + 1);
    space->info.backbone = backbone;
    space->info.dim = dim;
    space->info.dtype = dtype;
    spaces_.push_back(std::move(space));
    return spaces_.back()->info.id;
  }

  Result<SpaceInfo> FindSpace(const Digest& backbone, Dtype dtype) override {
    const MutexLock lock(mutex_);
    for (const auto& space : spaces_) {
      if (space->info.backbone == backbone && space->info.dtype == dtype) return space->info;
    }
    return NoSuchSpace(backbone, dtype);
  }

  Status FindImages(SpaceId space, std::span<const ContentHash> images,
                    std::span<RowId> rows) override {
    AUGSTORE_CHECK(images.size() == rows.size());
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* found, GetSpace(space));
    found->Find(images, rows);
    return OkStatus();
  }

  Status AppendRows(SpaceId space_id, std::span<const ContentHash> images,
                    ConstMatrixView embeddings, std::span<RowId> rows,
                    const QuantizedView& feature_maps,
                    std::span<const ContentHash> sources) override {
    AUGSTORE_CHECK(images.size() == rows.size() && images.size() == embeddings.rows);
    AUGSTORE_CHECK(sources.empty() || sources.size() == images.size());
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(MemorySpace * space, GetSpace(space_id));
    AUGSTORE_TRY(CheckEmbeddings(space->info, embeddings));
    AUGSTORE_TRY(CheckFeatureMaps(space->info, feature_maps, embeddings.rows));
    for (const ContentHash& image : images) {
      const auto found = space->images.find(image);
      if (found != space->images.end() && space->erased.contains(found->second)) {
        return StillErased(image);
      }
    }
    space->Find(images, rows);
    const AppendPlan plan = PlanAppend(images, rows);
    for (size_t i = 0; i < plan.fresh.size(); ++i) {
      if (i % kSegmentRows == 0) space->segments.emplace_back();
      const size_t index = plan.fresh[i];
      std::vector<uint8_t>& segment = space->segments.back();
      segment.resize(segment.size() + space->row_bytes());
      EncodeRow(space->info.dtype, embeddings.row(index),
                std::span(segment).last(space->row_bytes()));
      rows[index] = (space->segments.size() - 1) * kSegmentRows + i % kSegmentRows;
      space->images.insert_or_assign(images[index], rows[index]);
      if (!sources.empty()) space->sources.emplace(images[index], sources[index]);
      if (feature_maps.values == 0) continue;
      std::vector<float>& feature_map = space->feature_maps[rows[index]];
      feature_map.resize(feature_maps.values);
      DequantizeRow(feature_maps.row(index), feature_map);
    }
    for (const auto& [index, first] : plan.repeats) rows[index] = rows[first];
    space->info.rows += plan.fresh.size();
    space->info.segments = space->segments.size();
    return OkStatus();
  }

  Status ReadRows(SpaceId space_id, std::span<const RowId> rows, MatrixView out,
                  const Cancellation& /*cancellation*/) override {
    AUGSTORE_CHECK(rows.size() == out.rows);
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* space, GetSpace(space_id));
    AUGSTORE_TRY(CheckReadColumns(space->info, out.cols));
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::span<const uint8_t> row = space->Row(rows[i]);
      if (row.empty()) return NoSuchRow(space->info, rows[i]);
      DecodeRow(space->info.dtype, row, out.row(i));
    }
    return OkStatus();
  }

  Status ReadStoredRows(SpaceId space_id, std::span<const RowId> rows, std::span<uint8_t> out,
                        const Cancellation& /*cancellation*/) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* space, GetSpace(space_id));
    AUGSTORE_CHECK(out.size() == rows.size() * space->row_bytes());
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::span<const uint8_t> row = space->Row(rows[i]);
      if (row.empty()) return NoSuchRow(space->info, rows[i]);
      std::ranges::copy(row, out.begin() + static_cast<std::ptrdiff_t>(i * row.size()));
    }
    return OkStatus();
  }

  Status ReadFeatureMaps(SpaceId space_id, std::span<const RowId> rows, MatrixView out,
                         const Cancellation& /*cancellation*/) override {
    AUGSTORE_CHECK(rows.size() == out.rows);
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* space, GetSpace(space_id));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (space->Row(rows[i]).empty()) return NoSuchRow(space->info, rows[i]);
      const auto feature_map = space->feature_maps.find(rows[i]);
      if (feature_map == space->feature_maps.end()) return NoMap(space->info, rows[i]);
      if (feature_map->second.size() != out.cols) {
        return FeatureMapSizeDiffers(space->info, rows[i], feature_map->second.size(), out.cols);
      }
      std::ranges::copy(feature_map->second, out.row(i).begin());
    }
    return OkStatus();
  }

  Status CheckRows(SpaceId space_id, std::span<const RowId> rows) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* space, GetSpace(space_id));
    for (const RowId row : rows) {
      if (space->Row(row).empty()) return NoSuchRow(space->info, row);
    }
    return OkStatus();
  }

  Result<std::vector<StoredImage>> ListImages(SpaceId space_id, const ContentHash& after,
                                              size_t most) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(const MemorySpace* space, GetSpace(space_id));
    std::vector<StoredImage> images;
    auto next = after == ContentHash() ? space->images.begin() : space->images.upper_bound(after);
    for (; next != space->images.end() && images.size() < most; ++next) {
      StoredImage& image = images.emplace_back();
      image.image = next->first;
      image.row = next->second;
      image.erased = space->erased.contains(image.row);
      const auto source = space->sources.find(next->first);
      if (source != space->sources.end()) image.source = source->second;
    }
    return images;
  }

  Status ForgetImages(SpaceId space_id, std::span<const StoredImage> images) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(MemorySpace * space, GetSpace(space_id));
    for (const StoredImage& image : images) {
      const auto found = space->images.find(image.image);
      if (found == space->images.end() || found->second != image.row) continue;
      space->images.erase(found);
      space->sources.erase(image.image);
    }
    return OkStatus();
  }

  Result<DroppedSegments> DropSegments(SpaceId space_id, std::span<const uint64_t> segments,
                                       bool apply) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(MemorySpace * space, GetSpace(space_id));
    DroppedSegments dropped;
    for (const uint64_t segment : segments) {
      if (segment >= space->segments.size() || space->segments[segment].empty()) continue;
      ++dropped.segments;
      dropped.bytes += space->segments[segment].size();
      dropped.rows += space->segments[segment].size() / space->row_bytes();
      if (!apply) continue;
      space->segments[segment] = {};
      const RowId first = segment * kSegmentRows;
      space->feature_maps.erase(space->feature_maps.lower_bound(first),
                                space->feature_maps.lower_bound(first + kSegmentRows));
    }
    if (apply) space->info.rows -= dropped.rows;
    return dropped;
  }

  Status EraseImages(SpaceId space_id, std::span<const StoredImage> images) override {
    const MutexLock lock(mutex_);
    AUGSTORE_ASSIGN(MemorySpace * space, GetSpace(space_id));
    for (const StoredImage& image : images) {
      if (image.row / kSegmentRows >= space->segments.size()) continue;
      space->erased.insert(image.row);
      space->feature_maps.erase(image.row);
    }
    return OkStatus();
  }

  Status CompactSegments(const SegmentRange&, const std::stop_token&) override {
    return OkStatus();
  }
  void ReadAheadOf(SpaceId, RowPart, std::span<const RowId>,
                   const std::weak_ptr<const void>&) override {}  // all is in memory
  uint64_t MemoryBudget() const override { return 0; }

  Result<uint32_t> NewSampleList() override {
    const MutexLock lock(mutex_);
    lists_[next_list_];
    return next_list_++;
  }

  Status PutSampleChunks(uint32_t list, std::span<const NumberedChunk> chunks) override {
    const MutexLock lock(mutex_);
    const auto found = lists_.find(list);
    if (found == lists_.end()) return NoSuchList(list);
    for (const NumberedChunk& chunk : chunks) found->second[chunk.number] = chunk.bytes;
    return OkStatus();
  }

  Result<std::string> ReadSampleChunk(const ChunkId& chunk) override {
    const MutexLock lock(mutex_);
    const auto found = lists_.find(chunk.list);
    if (found == lists_.end()) return NoSuchChunk(chunk);
    const auto bytes = found->second.find(chunk.number);
    if (bytes == found->second.end()) return NoSuchChunk(chunk);
    return bytes->second;
  }

  Status DropSamples(std::span<const uint32_t> lists, std::span<const ChunkId> chunks) override {
    const MutexLock lock(mutex_);
    for (const uint32_t list : lists) lists_.erase(list);
    for (const ChunkId& chunk : chunks) {
      const auto found = lists_.find(chunk.list);
      if (found != lists_.end()) found->second.erase(chunk.number);
    }
    return OkStatus();
  }

  Result<std::vector<uint32_t>> ListSampleLists() override {
    const MutexLock lock(mutex_);
    std::vector<uint32_t> ids;
    for (const auto& [id, chunks] : lists_) ids.push_back(id);
    return ids;
  }

  Result<StoreStats> Stats() override {
    const MutexLock lock(mutex_);
    StoreStats stats;
    stats.id = id_;
    for (const auto& space : spaces_) {
      stats.spaces.push_back(space->info);
      stats.resident_bytes += space->info.rows * space->info.dim * sizeof(float);
    }
    return stats;
  }

  // In one step: there is no device to spare.
  Result<VerifyStep> Verify(const std::string& cursor, const Cancellation& cancellation) override {
    if (!cursor.empty()) return InvalidArgument("verify cursor '{}' is not of this store", cursor);
    const MutexLock lock(mutex_);
    VerifyStep step;
    for (const auto& space : spaces_) {
      std::vector<float> values(space->info.dim);
      for (uint64_t i = 0; i < space->segments.size(); ++i, ++step.checked) {
        AUGSTORE_TRY(cancellation.Check());
        const uint64_t rows = space->segments[i].size() / space->row_bytes();
        for (RowId row = i * kSegmentRows; row < i * kSegmentRows + rows; ++row) {
          if (space->erased.contains(row)) continue;
          DecodeRow(space->info.dtype, space->Row(row), values);
          if (AllFinite(values)) continue;
          step.problems.push_back(DescribeSegment({space->info.id, i}) + ": NaN or infinity");
          break;
        }
      }
      for (const auto& [image, row] : space->images) {
        ++step.checked;
        if (!space->Row(row).empty() || space->erased.contains(row)) continue;
        step.problems.push_back(fmt::format("image {} of space {}: {}", image.Hex(), space->info.id,
                                            NoSuchRow(space->info, row).message()));
      }
    }
    step.total = step.checked;
    return step;
  }

  // What is in memory is not lost.
  Result<RepairRowsStep> RepairRows(const std::string& cursor, bool /*apply*/) override {
    AUGSTORE_ASSIGN(const VerifyStep step, Verify(cursor, {}));
    return RepairRowsStep{"", step.checked, step.total, {}, 0};
  }

 private:
  Result<MemorySpace*> GetSpace(SpaceId id) AUGSTORE_REQUIRES(mutex_) {
    if (id == 0 || id > spaces_.size()) return NoSuchSpace(id);
    return spaces_[id - 1].get();
  }

  std::string id_;
  Mutex mutex_;
  std::map<RecordKey, StoredRecord> records_ AUGSTORE_GUARDED_BY(mutex_);
  std::map<std::pair<RecordKind, std::string>, uint32_t> next_versions_ AUGSTORE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<MemorySpace>> spaces_ AUGSTORE_GUARDED_BY(mutex_);  // [id - 1]
  std::map<uint32_t, std::map<uint64_t, std::string>> lists_ AUGSTORE_GUARDED_BY(mutex_);
  uint32_t next_list_ AUGSTORE_GUARDED_BY(mutex_) = 1;
};

}  // namespace

std::unique_ptr<Store> NewMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace augstore
