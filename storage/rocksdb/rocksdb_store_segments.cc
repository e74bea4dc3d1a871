// Spaces, the image index and writing of segments in the RocksDB store.
#include <algorithm>
#include <cstring>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_guard.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

constexpr size_t kLookupImages = 4096;  // keys of one MultiGet
constexpr size_t kSpaceRecordBytes = 4 + 4 + 8 + 8;

constexpr size_t kDigestDigits = 2 * sizeof(Digest);

std::string SpaceSuffix(Dtype dtype) {
  return dtype == Dtype::kF32 ? "" : fmt::format(".{}", DtypeName(dtype));
}

// The dtype in what follows the digest in a space's key.
Result<Dtype> DtypeOfKey(std::string_view rest) {
  const std::string_view suffix = rest.substr(0, rest.find('\0'));
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8}) {
    if (suffix == SpaceSuffix(dtype)) return dtype;
  }
  return DataLoss("a space's key ends in '{}'", suffix);
}

}  // namespace

std::string RocksDbStore::SpaceKey(const SpaceInfo& info) {
  // The backbone's digest, and the dtype unless it is f32.
  const std::string name = info.backbone.Hex() + SpaceSuffix(info.dtype);
  return rocks::RegistryKey(rocks::kRecordTag, {RecordKind::kSpace, name, 1});
}

std::string RocksDbStore::EncodeSpace(const SpaceInfo& info) {
  return rocks::Big(info.id) + rocks::Big(info.dim) + rocks::Big(info.rows) +
         rocks::Big(info.segments);
}

Status RocksDbStore::LoadSpaces() {
  const std::string prefix = rocks::RegistryPrefix(rocks::kRecordTag, RecordKind::kSpace, "");
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kRegistry);
  const WriterLock lock(spaces_mutex_);
  for (i->Seek(prefix); i->Valid() && i->key().starts_with(prefix); i->Next()) {
    const std::string_view value = i->value().ToStringView();
    auto space = std::make_unique<Space>();
    const std::string_view key = i->key().ToStringView();
    const Result<Digest> backbone = Digest::FromHex(key.substr(1, kDigestDigits));
    const Result<Dtype> dtype = DtypeOfKey(key.substr(std::min(key.size(), 1 + kDigestDigits)));
    if (value.size() != kSpaceRecordBytes || !backbone.ok() || !dtype.ok()) {
      return DataLoss("store '{}' has a damaged space record: restore a backup", path_);
    }
    space->backbone = *backbone;
    space->dtype = *dtype;
    space->id = rocks::GetBig<uint32_t>(value);
    space->dim = rocks::GetBig<uint32_t>(value.substr(4));
    space->rows = rocks::GetBig<uint64_t>(value.substr(8));
    space->segments = rocks::GetBig<uint64_t>(value.substr(16));
    spaces_.push_back(std::move(space));
  }
  AUGSTORE_TRY(FromRocks(i->status(), "the space records"));
  std::sort(spaces_.begin(), spaces_.end(), [](auto& a, auto& b) { return a->id < b->id; });
  for (size_t n = 0; n < spaces_.size(); ++n) {
    if (spaces_[n]->id == n + 1) continue;
    return DataLoss("store '{}' has lost the record of space {}: restore a backup", path_, n + 1);
  }
  return OkStatus();
}

Result<RocksDbStore::Space*> RocksDbStore::GetSpace(SpaceId id) {
  const ReaderLock lock(spaces_mutex_);
  if (id == 0 || id > spaces_.size()) return NoSuchSpace(id);
  return spaces_[id - 1].get();
}

RocksDbStore::Space* RocksDbStore::AnySpaceOf(const Digest& backbone) {
  const ReaderLock lock(spaces_mutex_);
  for (const auto& space : spaces_) {
    if (space->backbone == backbone) return space.get();
  }
  return nullptr;
}

RocksDbStore::Space* RocksDbStore::SpaceOf(const Digest& backbone, Dtype dtype) {
  const ReaderLock lock(spaces_mutex_);
  for (const auto& space : spaces_) {
    if (space->backbone == backbone && space->dtype == dtype) return space.get();
  }
  return nullptr;
}

Result<SpaceId> RocksDbStore::OpenSpace(const Digest& backbone, uint32_t dim, Dtype dtype) {
  AUGSTORE_TRY(CheckDim(dim));
  const MutexLock lock(write_mutex_);
  const Space* any = AnySpaceOf(backbone);
  if (any != nullptr && any->dim != dim) return DimDiffers(any->info(), dim);
  if (const Space* found = SpaceOf(backbone, dtype); found != nullptr) return found->id;
  auto space = std::make_unique<Space>();
  {
    const ReaderLock spaces_lock(spaces_mutex_);
    space->id = static_cast<SpaceId>(spaces_.size() + 1);
  }
  space->backbone = backbone;
  space->dim = dim;
  space->dtype = dtype;
  rocksdb::WriteBatch batch(BatchBytes(0, 4));
  batch.Put(family(kRegistry), SpaceKey(space->info()), EncodeSpace(space->info()));
  AUGSTORE_TRY(Write(&batch, space->name()));
  const WriterLock spaces_lock(spaces_mutex_);
  spaces_.push_back(std::move(space));
  return spaces_.back()->id;
}

Result<SpaceInfo> RocksDbStore::FindSpace(const Digest& backbone, Dtype dtype) {
  const Space* space = SpaceOf(backbone, dtype);
  if (space == nullptr) return NoSuchSpace(backbone, dtype);
  return space->info();
}

Status RocksDbStore::FindImages(SpaceId space, std::span<const ContentHash> images,
                                std::span<RowId> rows) {
  const ContentHash* erased = nullptr;
  return LookUp(space, images, rows, &erased);
}

Status RocksDbStore::LookUp(SpaceId space_id, std::span<const ContentHash> images,
                            std::span<RowId> rows, const ContentHash** erased) {
  AUGSTORE_CHECK(images.size() == rows.size());
  AUGSTORE_ASSIGN(const Space* space, GetSpace(space_id));
  for (size_t begin = 0; begin < images.size(); begin += kLookupImages) {
    const size_t count = std::min(kLookupImages, images.size() - begin);
    std::vector<std::string> bytes(count);
    std::vector<rocksdb::Slice> keys(count);
    for (size_t i = 0; i < count; ++i) {
      bytes[i] = rocks::ImageKey(space->id, images[begin + i]);
      keys[i] = bytes[i];
    }
    std::vector<rocksdb::PinnableSlice> values(count);
    std::vector<rocksdb::Status> statuses(count);
    InRocksDb([&] {
      db_->MultiGet(rocksdb::ReadOptions(), family(kImages), count, keys.data(), values.data(),
                    statuses.data());
    });
    for (size_t i = 0; i < count; ++i) {
      rows[begin + i] = kNoRow;
      if (statuses[i].IsNotFound()) continue;
      const std::string what = fmt::format("image {}", images[begin + i].Hex());
      AUGSTORE_TRY(FromRocks(statuses[i], what));
      const std::optional<rocks::ImageEntry> entry = rocks::ParseImage(values[i].ToStringView());
      if (!entry.has_value()) {
        return DataLoss("{} has no row number; run `augstore verify`", what);
      }
      if (!entry->erased) rows[begin + i] = entry->row;
      if (entry->erased && *erased == nullptr) *erased = &images[begin + i];
    }
  }
  return OkStatus();
}

Status RocksDbStore::AppendRows(SpaceId space_id, std::span<const ContentHash> images,
                                ConstMatrixView embeddings, std::span<RowId> rows,
                                const QuantizedView& feature_maps,
                                std::span<const ContentHash> sources) {
  AUGSTORE_CHECK(images.size() == rows.size() && images.size() == embeddings.rows);
  AUGSTORE_CHECK(sources.empty() || sources.size() == images.size());
  AUGSTORE_ASSIGN(Space * space, GetSpace(space_id));
  AUGSTORE_TRY(CheckEmbeddings(space->info(), embeddings));
  AUGSTORE_TRY(CheckFeatureMaps(space->info(), feature_maps, embeddings.rows));
  const MutexLock lock(write_mutex_);
  const ContentHash* erased = nullptr;
  AUGSTORE_TRY(LookUp(space_id, images, rows, &erased));
  if (erased != nullptr) return StillErased(*erased);
  const AppendPlan plan = PlanAppend(images, rows);
  const std::span<const size_t> fresh = plan.fresh;
  const NewRows from{images, sources, embeddings, feature_maps};
  for (size_t begin = 0; begin < fresh.size(); begin += kSegmentRows) {
    const size_t count = std::min<size_t>(kSegmentRows, fresh.size() - begin);
    AUGSTORE_TRY(AppendSegment(space, from, fresh.subspan(begin, count), rows));
  }
  for (const auto& [index, first] : plan.repeats) rows[index] = rows[first];
  return OkStatus();
}

Status RocksDbStore::AppendSegment(Space* space, const NewRows& from,
                                   std::span<const size_t> indices, std::span<RowId> rows) {
  const SegmentId id{space->id, space->segments};
  SpaceInfo info = space->info();
  info.rows += indices.size();
  info.segments += 1;
  const std::string segment = EncodeSegment(id, from.embeddings, indices, space->dtype);
  std::string maps;
  if (from.feature_maps.values > 0) {
    maps =
        EncodeFeatureMapSegment({id.space, id.segment, RowPart::kMap}, from.feature_maps, indices);
  }
  rocksdb::WriteBatch batch(BatchBytes(segment.size() + maps.size(), 3 + indices.size()));
  batch.Put(family(kSegments), rocks::SegmentKey(id.space, id.segment), segment);
  if (!maps.empty()) batch.Put(family(kMaps), rocks::SegmentKey(id.space, id.segment), maps);
  for (size_t i = 0; i < indices.size(); ++i) {
    const RowId row = id.segment * kSegmentRows + i;
    const ContentHash* source = from.sources.empty() ? nullptr : &from.sources[indices[i]];
    batch.Put(family(kImages), rocks::ImageKey(id.space, from.images[indices[i]]),
              rocks::EncodeImage(row, source));
  }
  batch.Put(family(kRegistry), SpaceKey(info), EncodeSpace(info));
  AUGSTORE_TRY(Write(&batch, DescribeSegment(id)));
  space->rows = info.rows;
  space->segments = info.segments;
  for (size_t i = 0; i < indices.size(); ++i) rows[indices[i]] = id.segment * kSegmentRows + i;
  return OkStatus();
}

}  // namespace augstore
