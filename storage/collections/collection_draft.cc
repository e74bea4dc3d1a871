#include "storage/collections/collection_draft.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {

namespace {

// Makes room for `count` more elements; doubles, so that many small calls stay linear.
template <typename T>
void GrowBy(std::vector<T>* values, size_t count) {
  const size_t needed = values->size() + count;
  if (needed > values->capacity()) values->reserve(std::max(needed, 2 * values->capacity()));
}

// Memory that samples take in a draft: themselves and their entries in the index.
size_t SampleBytes(const SampleChunk& chunk) {
  constexpr size_t kIndexEntry = 64 + 40;  // the second for the comparison with the base
  size_t bytes =
      chunk.size() * (sizeof(RowId) + sizeof(ContentHash) + sizeof(std::string) + sizeof(uint16_t) +
                      chunk.labels.size() * sizeof(int32_t) + kIndexEntry);
  for (const std::string& key : chunk.keys) bytes += key.size();
  return bytes;
}

}  // namespace

Status CollectionDraft::CheckSamples(const SampleChunk& chunk) const {
  if (chunk.size() > kMaxBatchRows) {
    return InvalidArgument("{} samples come at once: send at most {}", chunk.size(), kMaxBatchRows);
  }
  if (!chunk.rows.empty() || !chunk.views.empty()) {
    return InvalidArgument(
        "the samples come with {} rows: the store finds them by the hashes of images",
        chunk.rows.size() + chunk.views.size());
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

Result<std::vector<RowId>> CollectionDraft::FindRows(Store* store, const SampleChunk& chunk) const {
  std::vector<RowId> rows(chunk.size(), kNoRow);
  AUGSTORE_TRY(store->FindImages(space.id, chunk.images, rows));
  const auto missing = std::ranges::find(rows, kNoRow);
  if (missing == rows.end()) return rows;
  const auto i = static_cast<size_t>(missing - rows.begin());
  return InvalidArgument("{}: no embedding of image {} is stored: append it first",
                         DescribeSample(chunk, i), chunk.images[i].Hex());
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

Result<SampleIndex> CollectionDraft::NewSamples(const SampleChunk& chunk) const {
  SampleIndex added;
  for (size_t i = 0; i < chunk.size(); ++i) {
    const ContentHash hash = SampleHash(SplitOf(chunk, i), chunk.keys[i]);
    if (!index.contains(hash) && added.emplace(hash, samples.size() + i).second) continue;
    return InvalidArgument("{} comes twice: keys must be unique within a split",
                           DescribeSample(chunk, i));
  }
  return added;
}

Status CollectionDraft::Reserve(size_t bytes) {
  shares_.reserve(shares_.size() + 1);
  std::optional<MemoryBudget::Share> share = memory_->Take(bytes);
  if (share.has_value()) {
    shares_.push_back(*std::move(share));
    return OkStatus();
  }
  return ResourceExhausted(
      "the collections that are being written would take {} MiB of memory, the limit is {}: commit "
      "or abort one, write a collection in several versions, or start the server with a larger "
      "--memory",
      (memory_->taken() + bytes) >> 20, memory_->total() >> 20);
}

Result<std::vector<RowId>> CollectionDraft::Append(Store* store, const SampleChunk& chunk) {
  const MutexLock lock(mutex);
  AUGSTORE_TRY(CheckTakes(false));
  AUGSTORE_TRY(CheckSamples(chunk));
  AUGSTORE_ASSIGN(std::vector<RowId> rows, FindRows(store, chunk));
  // Whatever can be refused or run out of memory comes before the first change, so that a call that
  // fails appends nothing.
  AUGSTORE_ASSIGN(Splits fresh, NewSplits(chunk));
  AUGSTORE_ASSIGN(SampleIndex added, NewSamples(chunk));
  AUGSTORE_TRY(Reserve(SampleBytes(chunk)));
  last_used_ = Clock::now();
  std::vector<std::string> keys = chunk.keys;
  std::vector<std::string> names(fresh.size());
  for (const auto& [name, number] : fresh) names[number - splits.size()] = name;
  GrowBy(&samples.rows, chunk.size());
  GrowBy(&samples.keys, chunk.size());
  GrowBy(&samples.images, chunk.size());
  GrowBy(&samples.splits, chunk.size());
  for (std::vector<int32_t>& column : samples.labels) GrowBy(&column, chunk.size());
  GrowBy(&samples.split_names, names.size());
  index.reserve(index.size() + added.size());
  splits.reserve(splits.size() + fresh.size());

  comparison.reset();
  index.merge(added);
  splits.merge(fresh);
  std::move(names.begin(), names.end(), std::back_inserter(samples.split_names));
  std::move(keys.begin(), keys.end(), std::back_inserter(samples.keys));
  samples.rows.insert(samples.rows.end(), rows.begin(), rows.end());
  samples.images.insert(samples.images.end(), chunk.images.begin(), chunk.images.end());
  for (uint16_t split : chunk.splits) {
    samples.splits.push_back(splits.find(chunk.split_names[split])->second);
  }
  for (size_t column = 0; column < labels.size(); ++column) {
    auto& to = samples.labels[column];
    to.insert(to.end(), chunk.labels[column].begin(), chunk.labels[column].end());
  }
  CheckInvariants();
  return rows;
}

Status CollectionDraft::CheckTakes(bool views_come) const {
  if (commit.has_value() || made.has_value()) {
    return FailedPrecondition(
        "the draft of collection '{}' takes nothing more: it is being committed", collection);
  }
  if (views_come == views_only) return OkStatus();
  return FailedPrecondition("the draft of collection '{}' takes {}", collection,
                            views_only ? "views alone, and no samples" : "samples, and no views");
}

Result<std::vector<RowId>> CollectionDraft::AppendViews(Store* store, SampleId begin,
                                                        const std::vector<ContentHash>& images) {
  const MutexLock lock(mutex);
  AUGSTORE_TRY(CheckTakes(true));
  const size_t each = CountViews(views);
  if (each == 0) {
    return InvalidArgument("the draft of collection '{}' has no view sets, so that no views come",
                           collection);
  }
  if (images.size() % each != 0 || images.size() > kMaxBatchRows) {
    return InvalidArgument("{} views come at once: send {} for each sample, and at most {}",
                           images.size(), each, kMaxBatchRows);
  }
  if (begin > appended() || images.size() / each > base->samples - begin) {
    return InvalidArgument(
        "views of {} samples from sample {} on come where those from {} to {} are due: send them "
        "in the order of the samples",
        images.size() / each, begin, appended(), base->samples);
  }
  std::vector<RowId> rows(images.size(), kNoRow);
  AUGSTORE_TRY(store->FindImages(space.id, images, rows));
  view_rows.reserve(base->samples * each);  // taken from the budget when the draft began
  view_rows.resize(std::max<size_t>(view_rows.size(), begin * each + rows.size()));
  last_used_ = Clock::now();
  std::ranges::copy(rows, view_rows.begin() + static_cast<std::ptrdiff_t>(begin * each));
  return rows;
}

uint64_t CollectionDraft::appended() const {
  if (!views_only) return samples.size();
  return views.empty() ? 0 : view_rows.size() / CountViews(views);
}

Status CollectionDraft::CheckComplete() const {
  if (!views_only && samples.size() == 0) {
    return FailedPrecondition("the draft of collection '{}' has no samples: append some first",
                              collection);
  }
  if (views.empty() || appended() == base->samples) return OkStatus();
  return FailedPrecondition(
      "the draft of collection '{}' has the views of {} samples of {}: append those of the others",
      collection, appended(), base->samples);
}

std::array<std::span<const RowId>, 2> CollectionDraft::NamedRows() const {
  return {samples.rows, view_rows};
}

void CollectionDraft::CheckInvariants() const {
  AUGSTORE_CHECK(samples.rows.size() == samples.size() && samples.images.size() == samples.size() &&
                 samples.splits.size() == samples.size());
  for (const std::vector<int32_t>& column : samples.labels)
    AUGSTORE_CHECK(column.size() == samples.size());
  AUGSTORE_CHECK(index.size() == samples.size() && splits.size() == samples.split_names.size());
}

Result<bool> CollectionDraft::Compare(Store* store, Clock::time_point deadline) {
  last_used_ = Clock::now();
  if (!comparison.has_value()) {
    comparison.emplace(base.has_value() ? &*base : nullptr, samples, index);
  }
  bool over = false;
  do {
    const Result<bool> step = comparison->Step(store);
    AUGSTORE_TRY(CheckBase(step.status()));
    over = *step;
  } while (!over && Clock::now() < deadline);
  return over;
}

Result<bool> CollectionDraft::Write(Store* store, Clock::time_point deadline) {
  if (!commit.has_value()) {
    CollectionRecord record;
    record.backbone = space.backbone;
    record.dim = space.dim;
    record.dtype = space.dtype;
    record.labels = labels;
    record.source = source;
    if (base.has_value()) {
      record.splits = base->splits;
      record.views = base->views;
    }
    commit.emplace(store, &*comparison, samples, std::move(record));
    if (views_only) commit->SetViews(views, view_rows);
  }
  Result<bool> over = false;
  do {
    over = commit->Step();
  } while (over.ok() && !*over && Clock::now() < deadline);
  if (!over.ok()) EndWriting();
  AUGSTORE_TRY(CheckBase(over.status()));
  return over;
}

Status CollectionDraft::CheckBase(const Status& status) const {
  if (status.code() != Code::kNotFound || !base.has_value()) return status;
  return FailedPrecondition(
      "version {} of collection '{}', which this draft adds to, was deleted meanwhile: run the "
      "same "
      "command again",
      latest, collection);
}

void CollectionDraft::EndWriting() {
  if (commit.has_value()) commit->Drop();
  commit.reset();
}

void CollectionDraft::BeginAgain() noexcept {
  try {
    EndWriting();
  } catch (const std::exception&) {
    commit.reset();  // what was written goes when the store is opened
  }
  comparison.reset();
}

void CollectionDraft::BecomeVersion(RecordKey version) {
  made = std::move(version);
  is_made_ = true;
  comparison.reset();
  samples = {};
  view_rows = {};
  index = {};
  splits = {};
  labels = {};
  base.reset();
  shares_.clear();
}

CollectionDraft::~CollectionDraft() {
  const MutexLock lock(mutex);
  EndWriting();
}

}  // namespace augstore
