#include "storage/collections/draft_commit.h"

#include <algorithm>

#include "schemas/base/limits.h"

namespace augstore {

DraftCommit::DraftCommit(Store* store, const BaseComparison* comparison, const SampleChunk& samples,
                         CollectionRecord record)
    : store_(store),
      comparison_(comparison),
      samples_(samples),
      record_(std::move(record)),
      writer_(store),
      base_shape_(ShapeOf(record_)) {
  for (size_t i = 0; i < samples_.size(); ++i) {
    if (!comparison_->InBase(i)) added_.push_back(i);
  }
  const size_t last = base().size() - 1;
  const bool fills_up = base().size() > 0 && IsFilledUp(last);
  const size_t room = fills_up ? kSampleChunkRows - base().samples[last] : 0;
  const size_t beyond = added_.size() - std::min(added_.size(), room);
  total_ = comparison_->replacements().size() + (beyond + kSampleChunkRows - 1) / kSampleChunkRows;
  if (fills_up && !comparison_->replacements().contains(last)) ++total_;
}

bool DraftCommit::IsFilledUp(size_t chunk) const {
  return chunk + 1 == base().size() && !added_.empty() && base().samples[chunk] < kSampleChunkRows;
}

bool DraftCommit::IsRewritten(size_t chunk) const {
  return views_.has_value() || comparison_->replacements().contains(chunk);
}

void DraftCommit::SetViews(std::vector<ViewSet> sets, std::span<const RowId> rows) {
  record_.views = std::move(sets);
  views_ = rows;
  total_ = base().size();
}

void DraftCommit::PutViews(SampleChunk* chunk) {
  const size_t views = CountViews(record_.views);
  chunk->views.resize(chunk->size() * views);
  for (size_t sample = 0; sample < chunk->size(); ++sample) {
    for (size_t view = 0; view < views; ++view) {
      chunk->views[view * chunk->size() + sample] = (*views_)[next_view_++];
    }
  }
}

DraftProgress DraftCommit::progress() const { return {"write", written_, total_}; }

Result<SampleChunk> DraftCommit::ReplacedChunk(size_t i) {
  AUGSTORE_ASSIGN(SampleChunk chunk, ReadChunk(store_, base(), i, base_shape_));
  if (views_.has_value()) PutViews(&chunk);
  const auto replaced = comparison_->replacements().find(i);
  if (replaced == comparison_->replacements().end()) return chunk;
  for (const auto& [at, by] : replaced->second) {  // of equal split and key
    chunk.rows[at] = samples_.rows[by];
    if (chunk.images[at] != samples_.images[by]) {
      for (size_t v = at; v < chunk.views.size(); v += chunk.size()) chunk.views[v] = kNoRow;
    }
    chunk.images[at] = samples_.images[by];
    for (size_t column = 0; column < chunk.labels.size(); ++column) {
      chunk.labels[column][at] = samples_.labels[column][by];
    }
  }
  return chunk;
}

Result<bool> DraftCommit::Step() {
  for (size_t i = table_.size(); i < base().size(); ++i) {
    if (IsFilledUp(i)) break;
    if (!IsRewritten(i)) {
      CopyToTable(base(), i, &table_);
      continue;
    }
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReplacedChunk(i));
    AUGSTORE_TRY(writer_.Add(chunk, &table_));
    ++written_;
    return false;
  }
  if (next_added_ < added_.size()) AUGSTORE_TRY(WriteAdded());
  return next_added_ == added_.size();
}

Status DraftCommit::WriteAdded() {
  ChunkBuilder builder(ShapeOf(record_));
  if (table_.size() < base().size()) {
    AUGSTORE_ASSIGN(const SampleChunk last, ReplacedChunk(table_.size()));
    for (size_t i = 0; i < last.size(); ++i) builder.Add(last, i);
  }
  while (next_added_ < added_.size() && builder.size() < kSampleChunkRows) {
    const size_t i = added_[next_added_++];
    builder.Add(samples_, i);
    AUGSTORE_TRY(AddToSplit(SplitOf(samples_, i), 1, &record_.splits));
  }
  AUGSTORE_TRY(writer_.Add(builder.Take(), &table_));
  ++written_;
  return OkStatus();
}

const CollectionRecord& DraftCommit::Describe() {
  DescribeTable(table_, &record_);
  return record_;
}

Result<CollectionRecord> DraftCommit::Finish() {
  AUGSTORE_ASSIGN(record_.sample_list, writer_.Finish(table_));
  return std::move(record_);
}

}  // namespace augstore
