#include "storage/catalog/collection_draft.h"

#include <algorithm>
#include <iterator>

#include "schemas/base/limits.h"

namespace augstore {

ContentHash SampleHash(const std::string& split, const std::string& key) {
  // The split's length makes the pair unambiguous.
  const std::string text = fmt::format("{}:{}{}", split.size(), split, key);
  return HashContent({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string DescribeSample(const SampleChunk& chunk, size_t i) {
  return fmt::format("sample '{}' of split '{}'", chunk.keys[i], SplitOf(chunk, i));
}

namespace {

// Makes room for `count` more elements; doubles, so that many small calls stay linear.
template <typename T>
void GrowBy(std::vector<T>* values, size_t count) {
  const size_t needed = values->size() + count;
  if (needed > values->capacity()) values->reserve(std::max(needed, 2 * values->capacity()));
}

// Memory that samples take in a draft: themselves and their entries in the index.
size_t SampleBytes(const SampleChunk& chunk) {
  constexpr size_t kIndexEntry = 64;
  size_t bytes = chunk.size() * (sizeof(RowId) + sizeof(std::string) + sizeof(uint16_t) +
                                 chunk.labels.size() * sizeof(int32_t) + kIndexEntry);
  for (const std::string& key : chunk.keys) bytes += key.size();
  return bytes;
}

}  // namespace

Status CollectionDraft::CheckSamples(const SampleChunk& chunk) const {
  if (chunk.size() > kMaxBatchRows) {
    return InvalidArgument("{} samples come at once: send at most {}", chunk.size(), kMaxBatchRows);
  }
  AUGSTORE_TRY(CheckSampleChunk(chunk, labels.size()));
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk.keys[i].size() > kMaxKeyBytes) {
      return InvalidArgument("the key of sample {} has {} bytes: at most {} are allowed", i,
                             chunk.keys[i].size(), kMaxKeyBytes);
    }
    for (size_t column = 0; column < labels.size(); ++column) {
      const int32_t label = chunk.labels[column][i];
      const auto classes = static_cast<int64_t>(labels[column].classes.size());
      if (label >= -1 && label < classes) continue;
      return InvalidArgument("{} has label {} in column '{}', which has {} classes",
                             DescribeSample(chunk, i), label, labels[column].name, classes);
    }
  }
  return OkStatus();
}

// A segment's rows are dense: when the highest of those asked for exists, all of them do.
Status CollectionDraft::CheckRows(Store* store, const SampleChunk& chunk) const {
  std::unordered_map<uint64_t, size_t> highest;  // segment -> sample
  for (size_t i = 0; i < chunk.size(); ++i) {
    const auto [found, is_new] = highest.emplace(chunk.rows[i] / kSegmentRows, i);
    if (chunk.rows[i] > chunk.rows[found->second]) found->second = i;
  }
  Matrix embedding(1, space.dim);
  for (const auto& [segment, i] : highest) {
    const Status read = store->ReadRows(space.id, {&chunk.rows[i], 1}, embedding.view());
    if (read.code() == Code::kNotFound) {
      return InvalidArgument("{}: row {} is not stored: append its embedding first",
                             DescribeSample(chunk, i), chunk.rows[i]);
    }
    AUGSTORE_TRY(read);
  }
  return OkStatus();
}

Result<CollectionDraft::Splits> CollectionDraft::NewSplits(const SampleChunk& chunk) const {
  Splits fresh;
  for (const std::string& name : chunk.split_names) {
    if (name.size() > kMaxNameBytes) {
      return InvalidArgument("a split's name has {} bytes: at most {} are allowed", name.size(),
                             kMaxNameBytes);
    }
    if (splits.contains(name)) continue;
    fresh.emplace(name, static_cast<uint16_t>(splits.size() + fresh.size()));
  }
  if (splits.size() + fresh.size() > kMaxSplits) {
    return InvalidArgument("the collection would have {} splits: at most {} are allowed",
                           splits.size() + fresh.size(), kMaxSplits);
  }
  return fresh;
}

Result<CollectionDraft::Index> CollectionDraft::NewSamples(const SampleChunk& chunk) const {
  Index added;
  for (size_t i = 0; i < chunk.size(); ++i) {
    const ContentHash hash = SampleHash(SplitOf(chunk, i), chunk.keys[i]);
    if (!index.contains(hash) && added.emplace(hash, samples.size() + i).second) continue;
    return InvalidArgument("{} comes twice: keys must be unique within a split",
                           DescribeSample(chunk, i));
  }
  return added;
}

Status CollectionDraft::Reserve(size_t bytes) {
  const size_t all = bytes_of_all_->fetch_add(bytes) + bytes;
  if (all <= kMaxDraftBytes) {
    bytes_ += bytes;
    return OkStatus();
  }
  *bytes_of_all_ -= bytes;
  return ResourceExhausted(
      "the collections that are being written would take {} MiB of memory, the limit is {}: commit "
      "or abort one, or write a collection in several versions",
      all >> 20, kMaxDraftBytes >> 20);
}

Status CollectionDraft::Append(Store* store, const SampleChunk& chunk) {
  const MutexLock lock(mutex);
  AUGSTORE_TRY(CheckSamples(chunk));
  AUGSTORE_TRY(CheckRows(store, chunk));
  // Whatever can be refused or run out of memory comes before the first change, so that a call that
  // fails appends nothing.
  AUGSTORE_ASSIGN(Splits fresh, NewSplits(chunk));
  AUGSTORE_ASSIGN(Index added, NewSamples(chunk));
  AUGSTORE_TRY(Reserve(SampleBytes(chunk)));
  last_used_ = Clock::now();
  std::vector<std::string> keys = chunk.keys;
  std::vector<std::string> names(fresh.size());
  for (const auto& [name, number] : fresh) names[number - splits.size()] = name;
  GrowBy(&samples.rows, chunk.size());
  GrowBy(&samples.keys, chunk.size());
  GrowBy(&samples.splits, chunk.size());
  for (std::vector<int32_t>& column : samples.labels) GrowBy(&column, chunk.size());
  GrowBy(&samples.split_names, names.size());
  index.reserve(index.size() + added.size());
  splits.reserve(splits.size() + fresh.size());

  changes.reset();
  index.merge(added);
  splits.merge(fresh);
  std::move(names.begin(), names.end(), std::back_inserter(samples.split_names));
  std::move(keys.begin(), keys.end(), std::back_inserter(samples.keys));
  samples.rows.insert(samples.rows.end(), chunk.rows.begin(), chunk.rows.end());
  for (uint16_t split : chunk.splits) {
    samples.splits.push_back(splits.find(chunk.split_names[split])->second);
  }
  for (size_t column = 0; column < labels.size(); ++column) {
    auto& to = samples.labels[column];
    to.insert(to.end(), chunk.labels[column].begin(), chunk.labels[column].end());
  }
  CheckInvariants();
  return OkStatus();
}

void CollectionDraft::CheckInvariants() const {
  AUGSTORE_CHECK(samples.keys.size() == samples.size() && samples.splits.size() == samples.size());
  for (const std::vector<int32_t>& column : samples.labels)
    AUGSTORE_CHECK(column.size() == samples.size());
  AUGSTORE_CHECK(index.size() == samples.size() && splits.size() == samples.split_names.size());
}

Status CollectionDraft::ForEachChunk(Store* store,
                                     const std::function<Status(const SampleChunk&)>& visit) {
  ChunkBuilder builder(labels.size());
  const auto add = [&](const SampleChunk& from, size_t i) {
    builder.Add(from, i);
    return builder.size() < kSampleChunkRows ? OkStatus() : visit(builder.Take());
  };
  std::vector<bool> placed(samples.size());
  const uint64_t chunks = base.has_value() ? ChunkCount(*base) : 0;
  for (uint64_t number = 0; number < chunks; ++number) {
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store, *base, number));
    for (size_t i = 0; i < chunk.size(); ++i) {
      const auto again = index.find(SampleHash(SplitOf(chunk, i), chunk.keys[i]));
      if (again == index.end()) {
        AUGSTORE_TRY(add(chunk, i));
      } else {
        placed[again->second] = true;
        AUGSTORE_TRY(add(samples, again->second));
      }
    }
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!placed[i]) AUGSTORE_TRY(add(samples, i));
  }
  return builder.size() == 0 ? OkStatus() : visit(builder.Take());
}

}  // namespace augstore
