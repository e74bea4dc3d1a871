#include "storage/store/store_checks.h"

#include <cstring>
#include <unordered_map>

#include "schemas/base/limits.h"
#include "storage/store/segment.h"

namespace augstore {
namespace {

// Aliases are stored under "<kind>/<name>".
constexpr size_t kMaxStoredNameBytes = kMaxNameBytes + 32;

Status CheckStoredName(RecordKind kind, std::string_view name) {
  if (name.empty() || name.size() > kMaxStoredNameBytes || name.find('\0') != name.npos) {
    return InvalidArgument("a {} cannot be named by {} bytes: give 1 to {} bytes without NUL",
                           RecordKindName(kind), name.size(), kMaxStoredNameBytes);
  }
  return OkStatus();
}

bool IsOverwritten(RecordKind kind) {
  return kind == RecordKind::kAliases || kind == RecordKind::kKey || kind == RecordKind::kErasure;
}

}  // namespace

Status CheckKind(RecordKind kind) {
  const bool is_public = kind >= RecordKind::kBackbone && kind <= RecordKind::kAliases;
  if (!is_public && kind != RecordKind::kKey && kind != RecordKind::kErasure) {
    return InvalidArgument("record kind {} is not one that callers may use",
                           static_cast<int>(kind));
  }
  return OkStatus();
}

Status CheckNewRecord(RecordKind kind, std::string_view name) {
  AUGSTORE_TRY(CheckKind(kind));
  if (IsOverwritten(kind)) {
    return InvalidArgument("{} '{}' has no versions: put it", RecordKindName(kind), name);
  }
  return CheckStoredName(kind, name);
}

Status CheckPutRecord(RecordKind kind, std::string_view name) {
  AUGSTORE_TRY(CheckKind(kind));
  if (!IsOverwritten(kind)) {
    return InvalidArgument("{} '{}' cannot be overwritten: add a version", RecordKindName(kind),
                           name);
  }
  return CheckStoredName(kind, name);
}

Status CheckDim(uint32_t dim) {
  if (dim == 0 || dim > kMaxDim) {
    return InvalidArgument("dim {} is outside 1 to {}", dim, kMaxDim);
  }
  return OkStatus();
}

Status CheckEmbeddings(const SpaceInfo& space, ConstMatrixView embeddings) {
  if (embeddings.rows > 0 && embeddings.cols != space.dim) {
    return InvalidArgument("the embeddings have dim {}, space {} (backbone {}) has dim {}",
                           embeddings.cols, space.id, space.backbone.Hex(), space.dim);
  }
  for (size_t i = 0; i < embeddings.rows; ++i) {
    if (!AllFinite(embeddings.row(i))) {
      return InvalidArgument("embedding {} of {} holds NaN or infinity: fix the backbone or input",
                             i, embeddings.rows);
    }
    if (!FitsDtype(space.dtype, embeddings.row(i))) {
      return InvalidArgument("embedding {} of {} has values that {} cannot hold: store {}", i,
                             embeddings.rows, DtypeName(space.dtype), WiderDtypes(space.dtype));
    }
  }
  return OkStatus();
}

Status CheckFeatureMaps(const SpaceInfo& space, const QuantizedView& feature_maps, size_t rows) {
  if (feature_maps.values == 0 && feature_maps.bytes.empty()) return OkStatus();
  if (feature_maps.values > kMaxDim || feature_maps.rows() != rows ||
      feature_maps.bytes.size() != rows * QuantizedRowBytes(feature_maps.values)) {
    return InvalidArgument(
        "{} bytes of feature maps of {} values came with {} embeddings of space {}: send one map "
        "of 1 to {} values for each",
        feature_maps.bytes.size(), feature_maps.values, rows, space.id, kMaxDim);
  }
  for (size_t i = 0; i < rows; ++i) {
    if (IsFiniteRow(feature_maps.row(i))) continue;
    return InvalidArgument("feature map {} of {} holds NaN or infinity: fix the backbone or input",
                           i, rows);
  }
  return OkStatus();
}

Status CheckReadColumns(const SpaceInfo& space, size_t cols) {
  if (cols == space.dim) return OkStatus();
  return InvalidArgument("rows of dim {} are asked for, space {} has dim {}", cols, space.id,
                         space.dim);
}

Status NoMap(const SpaceInfo& space, RowId row) {
  return FailedPrecondition(
      "row {} of space {} (backbone {}) was stored without a feature map: ingest its image with a "
      "backbone file that returns one, into a new store",
      row, space.id, space.backbone.Hex());
}

Status FeatureMapSizeDiffers(const SpaceInfo& space, RowId row, size_t stored, size_t asked) {
  return FailedPrecondition(
      "the feature map of row {} of space {} (backbone {}) has {} values, {} are asked for: use a "
      "transform that was trained for this backbone",
      row, space.id, space.backbone.Hex(), stored, asked);
}

Status NoSuchRecord(const RecordKey& key) {
  return NotFound("{} '{}' has no version {}", RecordKindName(key.kind), key.name, key.version);
}

Status NoSuchRecord(RecordKind kind, const std::string& name) {
  return NotFound("{} '{}' has no version", RecordKindName(kind), name);
}

Status NoSuchSpace(SpaceId space) {
  return NotFound("space {} does not exist: open it by its backbone's digest", space);
}

Status NoSuchSpace(const Digest& backbone, Dtype dtype) {
  return NotFound("no embeddings of backbone {} are stored in {}: append rows first",
                  backbone.Hex(), DtypeName(dtype));
}

Status StillErased(const ContentHash& image) {
  return FailedPrecondition(
      "image {0} is being erased, or that was cut off: `augstore sample erase --image {0} --apply` "
      "ends it",
      image.Hex());
}

Status NoSuchRow(const SpaceInfo& space, RowId row) {
  return NotFound(
      "row {} of space {} (backbone {}) does not exist: it was never written, or was given back or "
      "erased after its collection was deleted",
      row, space.id, space.backbone.Hex());
}

Status NoSuchList(uint32_t list) {
  return NotFound("sample list {} does not exist: it was dropped", list);
}

std::string DescribeChunk(const ChunkId& chunk) {
  return fmt::format("chunk {} of sample list {}", chunk.number, chunk.list);
}

Status NoSuchChunk(const ChunkId& chunk) {
  return NotFound("{} does not exist", DescribeChunk(chunk));
}

Status DimDiffers(const SpaceInfo& space, uint32_t dim) {
  return FailedPrecondition(
      "embeddings of backbone {} are stored with dim {}, not {}: use the matching backbone file",
      space.backbone.Hex(), space.dim, dim);
}

AppendPlan PlanAppend(std::span<const ContentHash> images, std::span<const RowId> rows) {
  AppendPlan plan;
  std::unordered_map<ContentHash, size_t, ContentHashHasher> first;
  first.reserve(images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    if (rows[i] != kNoRow) continue;
    const auto [found, is_new] = first.emplace(images[i], i);
    if (is_new) {
      plan.fresh.push_back(i);
    } else {
      plan.repeats.emplace_back(i, found->second);
    }
  }
  return plan;
}

size_t ContentHashHasher::operator()(const ContentHash& hash) const {
  size_t value;
  std::memcpy(&value, hash.bytes.data(), sizeof value);
  return value;
}

}  // namespace augstore
