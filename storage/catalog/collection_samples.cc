#include "storage/catalog/collection_samples.h"

#include <algorithm>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr size_t kBlockBytes = 8u << 20;  // of embeddings read at once

size_t BlockRows(uint32_t dim) {
  return std::clamp<size_t>(kBlockBytes / (dim * sizeof(float)), 1, kSampleChunkRows);
}

std::span<const uint8_t> AsBytes(std::span<const float> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace

Status CheckSampleChunk(const SampleChunk& chunk, size_t columns) {
  const size_t n = chunk.rows.size();
  if (chunk.splits.size() != n || chunk.keys.size() != n) {
    return InvalidArgument("{} rows come with {} splits and {} keys: give one of each per sample",
                           n, chunk.splits.size(), chunk.keys.size());
  }
  if (chunk.labels.size() != columns) {
    return InvalidArgument("the samples have {} label columns, the collection has {}",
                           chunk.labels.size(), columns);
  }
  for (size_t column = 0; column < columns; ++column) {
    if (chunk.labels[column].size() != n) {
      return InvalidArgument("label column {} has {} labels for {} samples", column,
                             chunk.labels[column].size(), n);
    }
  }
  for (size_t i = 0; i < n; ++i) {
    if (chunk.splits[i] >= chunk.split_names.size()) {
      return InvalidArgument("sample {} ('{}') has split number {} of {}", i, chunk.keys[i],
                             chunk.splits[i], chunk.split_names.size());
    }
  }
  return OkStatus();
}

uint64_t ChunkCount(const CollectionRecord& collection) {
  return (collection.samples + kSampleChunkRows - 1) / kSampleChunkRows;
}

Result<SampleChunk> ReadChunk(Store* store, const CollectionRecord& collection, uint64_t chunk) {
  const std::string what = fmt::format("chunk {} of sample list {}", chunk, collection.sample_list);
  AUGSTORE_ASSIGN(const std::string bytes, store->ReadSampleChunk(collection.sample_list, chunk));
  Result<SampleChunk> decoded = Decode<SampleChunk>(bytes);
  if (!decoded.ok()) return decoded.status().WithContext(what);
  const Status shape = CheckSampleChunk(*decoded, collection.labels.size());
  if (!shape.ok()) return DataLoss("{}: {}; run `augstore verify`", what, shape.message());
  const uint64_t expected =
      std::min<uint64_t>(kSampleChunkRows, collection.samples - chunk * kSampleChunkRows);
  if (decoded->size() != expected) {
    return DataLoss("{} has {} samples instead of {}; run `augstore verify`", what, decoded->size(),
                    expected);
  }
  return decoded;
}

Status CountSplits(const SampleChunk& chunk, std::vector<SplitCount>* splits) {
  std::vector<uint64_t> counts(chunk.split_names.size());
  for (uint16_t split : chunk.splits) ++counts[split];
  std::vector<bool> counted(counts.size());
  for (uint16_t split : chunk.splits) {
    if (counted[split]) continue;
    counted[split] = true;
    const std::string& name = chunk.split_names[split];
    auto found = std::find_if(splits->begin(), splits->end(),
                              [&](const SplitCount& known) { return known.name == name; });
    if (found == splits->end()) {
      if (splits->size() == kMaxSplits) {
        return InvalidArgument("the collection would have more than {} splits", kMaxSplits);
      }
      found = splits->insert(splits->end(), {name, 0});
    }
    found->samples += counts[split];
  }
  return OkStatus();
}

void ChunkBuilder::Add(const SampleChunk& from, size_t i) {
  const std::string& split = SplitOf(from, i);
  const auto [found, is_new] =
      split_index_.emplace(split, static_cast<uint16_t>(chunk_.split_names.size()));
  if (is_new) chunk_.split_names.push_back(split);
  chunk_.rows.push_back(from.rows[i]);
  chunk_.splits.push_back(found->second);
  for (size_t column = 0; column < chunk_.labels.size(); ++column) {
    chunk_.labels[column].push_back(from.labels[column][i]);
  }
  chunk_.keys.push_back(from.keys[i]);
}

SampleChunk ChunkBuilder::Take() {
  SampleChunk taken;
  taken.labels.resize(chunk_.labels.size());
  std::swap(taken, chunk_);
  split_index_.clear();
  return taken;
}

CollectionDigest::CollectionDigest(Store* store, SpaceId space, const Digest& backbone,
                                   uint32_t dim, const std::vector<LabelColumn>& labels)
    : store_(store), space_(space), block_(BlockRows(dim), dim) {
  builder_.AddText("augstore collection 1").AddBytes(backbone.bytes).AddU64(dim);
  builder_.AddU64(labels.size());
  for (const LabelColumn& column : labels) {
    builder_.AddText(column.name).AddU64(column.classes.size());
    for (const std::string& name : column.classes) builder_.AddText(name);
  }
}

Status CollectionDigest::Add(const SampleChunk& chunk) {
  for (size_t begin = 0; begin < chunk.size(); begin += block_.rows()) {
    const size_t count = std::min(block_.rows(), chunk.size() - begin);
    const MatrixView rows = block_.view().Slice(0, count);
    AUGSTORE_TRY(store_->ReadRows(space_, std::span(chunk.rows).subspan(begin, count), rows));
    for (size_t i = 0; i < count; ++i) {
      builder_.AddText(SplitOf(chunk, begin + i)).AddText(chunk.keys[begin + i]);
      for (const std::vector<int32_t>& column : chunk.labels) {
        builder_.AddU64(static_cast<uint64_t>(int64_t{column[begin + i]}));
      }
      builder_.AddBytes(AsBytes(rows.row(i)));
    }
  }
  samples_ += chunk.size();
  return OkStatus();
}

Digest CollectionDigest::Finish() { return builder_.AddU64(samples_).Finish(); }

}  // namespace augstore
