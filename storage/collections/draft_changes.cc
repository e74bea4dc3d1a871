#include "storage/collections/draft_changes.h"

#include <algorithm>
#include <bit>

namespace augstore {
namespace {

bool SameLabels(const SampleChunk& a, size_t i, const SampleChunk& b, size_t j) {
  return std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(),
                    [&](const auto& left, const auto& right) { return left[i] == right[j]; });
}

}  // namespace

// Finds things by the first 8 bytes of their hashes. Most of those that are asked for are not
// there, and a table of bits says so without a search.
class PrefixSet {
 public:
  struct Entry {
    uint64_t prefix;
    uint32_t number;  // of the thing
    auto operator<=>(const Entry&) const = default;
  };

  explicit PrefixSet(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::sort(entries_.begin(), entries_.end());
    const size_t bits =
        std::bit_ceil(std::max<size_t>(kLeastBits, kBitsPerEntry * entries_.size()));
    bits_.resize(bits / 64);
    for (const Entry& entry : entries_) bits_[Word(entry.prefix)] |= Bit(entry.prefix);
  }

  // Those with that prefix, by number.
  std::span<const Entry> Find(uint64_t prefix) const {
    if ((bits_[Word(prefix)] & Bit(prefix)) == 0) return {};
    const auto [begin, end] = std::ranges::equal_range(entries_, prefix, {}, &Entry::prefix);
    return {begin, end};
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static constexpr size_t kLeastBits = size_t{1} << 16;
  static constexpr size_t kBitsPerEntry = 16;

  size_t Word(uint64_t prefix) const { return prefix / 64 & (bits_.size() - 1); }
  static uint64_t Bit(uint64_t prefix) { return uint64_t{1} << (prefix % 64); }

  std::vector<Entry> entries_;
  std::vector<uint64_t> bits_;
};

// Counts the images of a draft that the new version has more than once. One that is there three
// times counts for the splits of its first sample in the draft and each of the others.
class SharedRowsCounter {
 public:
  // `samples`: those of the draft. They must outlive the counter.
  explicit SharedRowsCounter(const SampleChunk& samples)
      : samples_(samples), images_(Images(samples)) {
    for (const PrefixSet::Entry& entry : images_.entries()) {
      const size_t first = FirstWith(samples.images[entry.number]);
      if (first != entry.number) Count(first, samples, entry.number);
    }
  }

  bool MayHave(uint64_t image_prefix) const { return !images_.Find(image_prefix).empty(); }

  // A sample of the base that the new version keeps.
  void Add(const SampleChunk& chunk, size_t i) {
    const size_t first = FirstWith(chunk.images[i]);
    if (first < samples_.size()) Count(first, chunk, i);
  }

  std::vector<SharedRows> Finish() const {
    std::vector<SharedRows> shared;
    for (const auto& [splits, images] : shared_) {
      const auto conflicting = std::count_if(images.begin(), images.end(),
                                             [](const auto& image) { return image.second; });
      shared.push_back(
          {splits.first, splits.second, images.size(), static_cast<uint64_t>(conflicting)});
    }
    std::stable_sort(shared.begin(), shared.end(),
                     [](const SharedRows& a, const SharedRows& b) { return a.rows > b.rows; });
    if (shared.size() > DraftChanges::kMaxShared) shared.resize(DraftChanges::kMaxShared);
    return shared;
  }

 private:
  using Splits = std::pair<std::string, std::string>;  // in order

  static std::vector<PrefixSet::Entry> Images(const SampleChunk& samples) {
    std::vector<PrefixSet::Entry> images;
    images.reserve(samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      images.push_back({Prefix64(samples.images[i]), static_cast<uint32_t>(i)});
    }
    return images;
  }

  // The draft's first sample of the image; past the last when there is none.
  size_t FirstWith(const ContentHash& image) const {
    for (const PrefixSet::Entry& entry : images_.Find(Prefix64(image))) {
      if (samples_.images[entry.number] == image) return entry.number;
    }
    return samples_.size();
  }

  void Count(size_t first, const SampleChunk& chunk, size_t i) {
    Splits splits(SplitOf(samples_, first), SplitOf(chunk, i));
    if (splits.second < splits.first) std::swap(splits.first, splits.second);
    bool& conflicting = shared_[std::move(splits)][first];
    conflicting = conflicting || !SameLabels(samples_, first, chunk, i);
  }

  const SampleChunk& samples_;
  const PrefixSet images_;
  // The first samples of the images, and whether labels conflict.
  std::map<Splits, std::unordered_map<size_t, bool>> shared_;
};

BaseComparison::BaseComparison(const CollectionRecord* base, const SampleChunk& samples,
                               const SampleIndex& index)
    : base_(base), samples_(samples), index_(index) {}
BaseComparison::~BaseComparison() = default;

Result<bool> BaseComparison::Step(Store* store) {
  if (!begun_) {
    AUGSTORE_TRY(Begin(store));
  } else if (next_ < table_.size()) {
    AUGSTORE_ASSIGN(const ChunkSummary summary, ReadSummary(store, table_, next_));
    AUGSTORE_TRY(CompareChunk(store, next_, summary));
    ++next_;
  }
  if (next_ < table_.size()) return false;
  if (shared_ != nullptr) Finish();
  return true;
}

Status BaseComparison::Begin(Store* store) {
  if (base_ != nullptr) {
    AUGSTORE_ASSIGN(table_, ReadTable(store, *base_));
  }
  std::vector<PrefixSet::Entry> known;
  known.reserve(index_.size());
  for (const auto& [hash, i] : index_) known.push_back({Prefix64(hash), static_cast<uint32_t>(i)});
  known_ = std::make_unique<PrefixSet>(std::move(known));
  shared_ = std::make_unique<SharedRowsCounter>(samples_);
  in_base_.resize(samples_.size());
  begun_ = true;
  return OkStatus();
}

Status BaseComparison::CompareChunk(Store* store, size_t number, const ChunkSummary& summary) {
  std::vector<size_t> found;
  for (size_t i = 0; i < summary.samples.size(); ++i) {
    if (!known_->Find(summary.samples[i]).empty() || shared_->MayHave(summary.images[i])) {
      found.push_back(i);
    }
  }
  if (found.empty()) return OkStatus();
  AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store, table_, number, ShapeOf(*base_)));
  for (const size_t i : found) {
    const auto again = index_.find(SampleHash(SplitOf(chunk, i), chunk.keys[i]));
    if (again == index_.end()) {
      shared_->Add(chunk, i);
    } else {
      CompareSample(chunk, i, number, again->second);
    }
  }
  return OkStatus();
}

void BaseComparison::CompareSample(const SampleChunk& chunk, size_t i, size_t number,
                                   size_t again) {
  in_base_[again] = true;
  const bool same =
      chunk.images[i] == samples_.images[again] && SameLabels(chunk, i, samples_, again);
  if (same && chunk.rows[i] == samples_.rows[again]) {
    ++changes_.left;
    return;
  }
  replacements_[number].emplace_back(i, again);
  if (same) {
    ++changes_.refilled;
    return;
  }
  ++changes_.replaced;
  if (changes_.examples.size() < DraftChanges::kMaxExamples) {
    changes_.examples.push_back(DescribeSample(chunk, i));
  }
}

void BaseComparison::Finish() {
  changes_.added = samples_.size() - changes_.left - changes_.replaced - changes_.refilled;
  changes_.shared = shared_->Finish();
  known_.reset();
  shared_.reset();
}

}  // namespace augstore
