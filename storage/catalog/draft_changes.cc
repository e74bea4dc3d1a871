#include "storage/catalog/draft_changes.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace augstore {
namespace {

bool SameLabels(const SampleChunk& a, size_t i, const SampleChunk& b, size_t j) {
  return std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(),
                    [&](const auto& left, const auto& right) { return left[i] == right[j]; });
}

// Counts the rows of a draft that the new version has more than once. A row that is there three
// times counts for the splits of its first sample in the draft and each of the others.
class SharedRowsCounter {
 public:
  // `samples`: those of the draft. They must outlive the counter.
  explicit SharedRowsCounter(const SampleChunk& samples) : samples_(samples) {
    first_.reserve(samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      const auto [first, is_new] = first_.emplace(samples.rows[i], i);
      if (!is_new) Count(first->second, samples, i);
    }
  }

  // A sample of the base that the new version keeps.
  void Add(const SampleChunk& chunk, size_t i) {
    const auto first = first_.find(chunk.rows[i]);
    if (first != first_.end()) Count(first->second, chunk, i);
  }

  std::vector<SharedRows> Finish() const {
    std::vector<SharedRows> shared;
    for (const auto& [splits, rows] : shared_) {
      const auto conflicting =
          std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.second; });
      shared.push_back(
          {splits.first, splits.second, rows.size(), static_cast<uint64_t>(conflicting)});
    }
    std::stable_sort(shared.begin(), shared.end(),
                     [](const SharedRows& a, const SharedRows& b) { return a.rows > b.rows; });
    if (shared.size() > DraftChanges::kMaxShared) shared.resize(DraftChanges::kMaxShared);
    return shared;
  }

 private:
  using Splits = std::pair<std::string, std::string>;  // in order

  void Count(size_t first, const SampleChunk& chunk, size_t i) {
    Splits splits(SplitOf(samples_, first), SplitOf(chunk, i));
    if (splits.second < splits.first) std::swap(splits.first, splits.second);
    bool& conflicting = shared_[std::move(splits)][chunk.rows[i]];
    conflicting = conflicting || !SameLabels(samples_, first, chunk, i);
  }

  const SampleChunk& samples_;
  std::unordered_map<RowId, size_t> first_;  // -> the first of the draft's samples with that row
  std::map<Splits, std::unordered_map<RowId, bool>> shared_;  // whether labels conflict
};

}  // namespace

Result<DraftChanges> CompareWithBase(Store* store, const CollectionDraft& draft) {
  const SampleChunk& samples = draft.samples;
  SharedRowsCounter shared(samples);
  DraftChanges changes;
  const uint64_t chunks = draft.base.has_value() ? ChunkCount(*draft.base) : 0;
  for (uint64_t number = 0; number < chunks; ++number) {
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store, *draft.base, number));
    for (size_t i = 0; i < chunk.size(); ++i) {
      const auto again = draft.index.find(SampleHash(SplitOf(chunk, i), chunk.keys[i]));
      if (again == draft.index.end()) {
        shared.Add(chunk, i);
      } else if (chunk.rows[i] == samples.rows[again->second] &&
                 SameLabels(chunk, i, samples, again->second)) {
        ++changes.left;
      } else {
        ++changes.replaced;
        if (changes.examples.size() < DraftChanges::kMaxExamples)
          changes.examples.push_back(DescribeSample(chunk, i));
      }
    }
  }
  changes.added = samples.size() - changes.left - changes.replaced;
  changes.shared = shared.Finish();
  return changes;
}

}  // namespace augstore
