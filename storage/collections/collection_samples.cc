#include "storage/collections/collection_samples.h"

#include <algorithm>
#include <cstring>

#include "schemas/base/limits.h"

namespace augstore {

ChunkShape ShapeOf(const CollectionRecord& collection) {
  return {collection.labels.size(), CountViews(collection.views)};
}

Status CheckSampleChunk(const SampleChunk& chunk, size_t columns) {
  const size_t n = chunk.size();
  if (chunk.splits.size() != n || chunk.images.size() != n) {
    return InvalidArgument(
        "{} keys come with {} splits and {} hashes of images: give one of each per sample", n,
        chunk.splits.size(), chunk.images.size());
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

ContentHash SampleHash(const std::string& split, const std::string& key) {
  // The split's length makes the pair unambiguous.
  const std::string text = fmt::format("{}:{}{}", split.size(), split, key);
  return HashContent({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string DescribeSample(const SampleChunk& chunk, size_t i) {
  return fmt::format("sample '{}' of split '{}'", chunk.keys[i], SplitOf(chunk, i));
}

uint64_t Prefix64(const ContentHash& hash) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, hash.bytes.data(), sizeof prefix);
  return prefix;
}

Status CountSplits(const SampleChunk& chunk, std::vector<SplitCount>* splits) {
  std::vector<uint64_t> counts(chunk.split_names.size());
  for (uint16_t split : chunk.splits) ++counts[split];
  std::vector<bool> counted(counts.size());
  for (uint16_t split : chunk.splits) {
    if (counted[split]) continue;
    counted[split] = true;
    AUGSTORE_TRY(AddToSplit(chunk.split_names[split], counts[split], splits));
  }
  return OkStatus();
}

Status AddToSplit(const std::string& name, uint64_t samples, std::vector<SplitCount>* splits) {
  auto found = std::find_if(splits->begin(), splits->end(),
                            [&](const SplitCount& known) { return known.name == name; });
  if (found == splits->end()) {
    if (splits->size() == kMaxSplits) {
      return InvalidArgument("the collection would have more than {} splits", kMaxSplits);
    }
    found = splits->insert(splits->end(), {name, 0});
  }
  found->samples += samples;
  return OkStatus();
}

uint32_t CountViewed(const SampleChunk& chunk) {
  if (chunk.views.empty()) return 0;
  std::vector<bool> lacks(chunk.size());
  for (size_t i = 0; i < chunk.views.size(); ++i) {
    if (chunk.views[i] == kNoRow) lacks[i % chunk.size()] = true;
  }
  return static_cast<uint32_t>(std::ranges::count(lacks, false));
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
  chunk_.images.push_back(from.images[i]);
  for (size_t view = 0; view < views_.size(); ++view) {
    views_[view].push_back(from.views.empty() ? kNoRow : from.views[view * from.size() + i]);
  }
}

SampleChunk ChunkBuilder::Take() {
  SampleChunk taken;
  taken.labels.resize(chunk_.labels.size());
  std::swap(taken, chunk_);
  for (std::vector<RowId>& rows : views_) {
    taken.views.insert(taken.views.end(), rows.begin(), rows.end());
    rows.clear();
  }
  split_index_.clear();
  return taken;
}

Digest ChunkDigest(const SampleChunk& chunk) {
  DigestBuilder builder;
  builder.AddText("augstore chunk 2").AddU64(chunk.size());
  for (size_t i = 0; i < chunk.size(); ++i) {
    builder.AddText(SplitOf(chunk, i)).AddText(chunk.keys[i]);
    for (const std::vector<int32_t>& column : chunk.labels) {
      builder.AddU64(static_cast<uint64_t>(int64_t{column[i]}));
    }
    builder.AddBytes(chunk.images[i].bytes);
  }
  return builder.Finish();
}

Digest CollectionDigest(const CollectionRecord& collection, const std::vector<Digest>& chunks) {
  DigestBuilder builder;
  builder.AddText("augstore collection 2").AddBytes(collection.backbone.bytes);
  builder.AddU64(collection.dim).AddU64(static_cast<uint64_t>(collection.dtype));
  builder.AddU64(collection.labels.size());
  for (const LabelColumn& column : collection.labels) {
    builder.AddText(column.name).AddU64(column.classes.size());
    for (const std::string& name : column.classes) builder.AddText(name);
  }
  builder.AddU64(collection.samples).AddU64(chunks.size());
  for (const Digest& chunk : chunks) builder.AddBytes(chunk.bytes);
  if (collection.views.empty()) return builder.Finish();
  builder.AddU64(collection.views.size()).AddU64(collection.viewed);
  for (const ViewSet& set : collection.views) {
    builder.AddText(set.law).AddU64(set.count).AddU64(set.seed);
  }
  return builder.Finish();
}

}  // namespace augstore
