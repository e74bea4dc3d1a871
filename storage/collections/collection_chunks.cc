#include "storage/collections/collection_chunks.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "schemas/base/limits.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

constexpr size_t kWriteBytes = 4u << 20;  // of chunks that are written together

Status Damaged(const ChunkId& chunk, std::string_view problem) {
  return DataLoss("{} {}; run `augstore verify`", DescribeChunk(chunk), problem);
}

template <typename T>
Result<T> ReadAs(Store* store, const ChunkId& id) {
  AUGSTORE_ASSIGN(const std::string bytes, store->ReadSampleChunk(id));
  Result<T> decoded = Decode<T>(bytes);
  if (!decoded.ok()) return decoded.status().WithContext(DescribeChunk(id));
  return decoded;
}

}  // namespace

Result<ChunkTable> ReadTable(Store* store, uint32_t list) {
  const ChunkId id{list, kTableNumber};
  AUGSTORE_ASSIGN(ChunkTable table, ReadAs<ChunkTable>(store, id));
  for (const uint32_t samples : table.samples) {
    if (samples == 0 || samples > kSampleChunkRows) {
      return Damaged(id, fmt::format("names a chunk of {} samples", samples));
    }
  }
  return table;
}

Result<ChunkTable> ReadTable(Store* store, const CollectionRecord& collection) {
  AUGSTORE_ASSIGN(ChunkTable table, ReadTable(store, collection.sample_list));
  uint64_t samples = 0;
  for (const uint32_t count : table.samples) samples += count;
  const ChunkId id{collection.sample_list, kTableNumber};
  if (samples != collection.samples) {
    return Damaged(id, fmt::format("has {} samples instead of {}", samples, collection.samples));
  }
  if (ListsOf(table) != collection.lists) return Damaged(id, "names other lists than its version");
  return table;
}

Result<SampleChunk> ReadChunk(Store* store, const ChunkTable& table, size_t i, ChunkShape shape) {
  const ChunkId id = ChunkOf(table, i);
  AUGSTORE_ASSIGN(SampleChunk chunk, ReadAs<SampleChunk>(store, id));
  const Status consistent = CheckSampleChunk(chunk, shape.columns);
  if (!consistent.ok()) return Damaged(id, consistent.message());
  if (chunk.size() != table.samples[i] || chunk.rows.size() != chunk.size()) {
    return Damaged(id, fmt::format("has {} samples at {} rows instead of {}", chunk.size(),
                                   chunk.rows.size(), table.samples[i]));
  }
  if (chunk.views.size() != chunk.size() * shape.views) {
    return Damaged(id, fmt::format("has {} rows of views for {} samples, which have {} each",
                                   chunk.views.size(), chunk.size(), shape.views));
  }
  return chunk;
}

Result<ChunkSummary> ReadSummary(Store* store, const ChunkTable& table, size_t i) {
  const ChunkId id{table.lists[i], SummaryNumber(table.numbers[i])};
  AUGSTORE_ASSIGN(ChunkSummary summary, ReadAs<ChunkSummary>(store, id));
  if (summary.samples.size() == table.samples[i]) return summary;
  return Damaged(
      id, fmt::format("is of {} samples instead of {}", summary.samples.size(), table.samples[i]));
}

ChunkSummary Summarize(const SampleChunk& chunk) {
  ChunkSummary summary;
  summary.samples.reserve(chunk.size());
  summary.images.reserve(chunk.size());
  for (size_t i = 0; i < chunk.size(); ++i) {
    summary.samples.push_back(Prefix64(SampleHash(SplitOf(chunk, i), chunk.keys[i])));
    summary.images.push_back(Prefix64(chunk.images[i]));
  }
  return summary;
}

void AddToTable(const ChunkId& place, const SampleChunk& chunk, ChunkTable* table) {
  table->lists.push_back(place.list);
  table->numbers.push_back(place.number);
  table->samples.push_back(static_cast<uint32_t>(chunk.size()));
  table->digests.push_back(ChunkDigest(chunk));
  std::vector<RowId> rows = chunk.rows;
  rows.insert(rows.end(), chunk.views.begin(), chunk.views.end());
  table->row_sums.push_back(
      Checksum64({reinterpret_cast<const uint8_t*>(rows.data()), rows.size() * sizeof(RowId)}));
  if (!chunk.views.empty()) table->viewed.push_back(CountViewed(chunk));
}

void CopyToTable(const ChunkTable& from, size_t i, ChunkTable* table) {
  table->lists.push_back(from.lists[i]);
  table->numbers.push_back(from.numbers[i]);
  table->samples.push_back(from.samples[i]);
  table->digests.push_back(from.digests[i]);
  table->row_sums.push_back(from.row_sums[i]);
  if (!from.viewed.empty()) table->viewed.push_back(from.viewed[i]);
}

bool SameContent(const ChunkTable& a, const ChunkTable& b) {
  return a.digests == b.digests && a.row_sums == b.row_sums && a.viewed == b.viewed;
}

std::vector<uint32_t> ListsOf(const ChunkTable& table) {
  const std::set<uint32_t> lists(table.lists.begin(), table.lists.end());
  return {lists.begin(), lists.end()};
}

void DescribeTable(const ChunkTable& table, CollectionRecord* record) {
  record->samples = std::accumulate(table.samples.begin(), table.samples.end(), uint64_t{0});
  record->viewed = std::accumulate(table.viewed.begin(), table.viewed.end(), uint64_t{0});
  record->lists = ListsOf(table);
  record->digest = CollectionDigest(*record, table.digests);
}

Status ChunkWriter::Add(const SampleChunk& chunk, ChunkTable* table) {
  AUGSTORE_TRY(MakeList());
  AddToTable({list_, chunks_}, chunk, table);
  waiting_.push_back({chunks_, Encode(chunk)});
  waiting_bytes_ += waiting_.back().bytes.size();
  waiting_.push_back({SummaryNumber(chunks_), Encode(Summarize(chunk))});
  waiting_bytes_ += waiting_.back().bytes.size();
  ++chunks_;
  return waiting_bytes_ < kWriteBytes ? OkStatus() : Flush();
}

Result<uint32_t> ChunkWriter::Finish(const ChunkTable& table) {
  AUGSTORE_TRY(MakeList());
  AUGSTORE_TRY(Flush());
  std::string bytes = Encode(table);
  if (table.size() > kMaxChunks || bytes.size() > kMaxRecordBytes) {
    return InvalidArgument("the collection would have {} chunks of samples: at most {} are allowed",
                           table.size(), kMaxChunks);
  }
  waiting_.push_back({kTableNumber, std::move(bytes)});
  AUGSTORE_TRY(Flush());
  return list_;
}

void ChunkWriter::Drop() {
  if (list_ != 0) (void)store_->DropSamples({&list_, 1}, {});
  list_ = 0;
}

Status ChunkWriter::MakeList() {
  if (list_ != 0) return OkStatus();
  AUGSTORE_ASSIGN(list_, store_->NewSampleList());
  return OkStatus();
}

Status ChunkWriter::Flush() {
  if (waiting_.empty()) return OkStatus();
  AUGSTORE_TRY(store_->PutSampleChunks(list_, waiting_));
  waiting_.clear();
  waiting_bytes_ = 0;
  return OkStatus();
}

PlacedChunks::PlacedChunks(ChunkTable of) : table(std::move(of)) {
  SampleId begin = 0;
  begins.reserve(table.size());
  for (const uint32_t samples : table.samples) {
    begins.push_back(begin);
    begin += samples;
  }
}

size_t PlacedChunks::ChunkOfSample(SampleId sample) const {
  return static_cast<size_t>(std::ranges::upper_bound(begins, sample) - begins.begin()) - 1;
}

Result<std::shared_ptr<const PlacedChunks>> TableCache::Get(const CollectionRecord& collection) {
  {
    const MutexLock lock(mutex_);
    const auto found =
        std::ranges::find(recent_, collection.sample_list, [](const Entry& e) { return e.list; });
    if (found != recent_.end()) {
      std::rotate(recent_.begin(), found, found + 1);
      return recent_.front().chunks;
    }
  }
  AUGSTORE_ASSIGN(ChunkTable table, ReadTable(store_, collection));
  auto placed = std::make_shared<const PlacedChunks>(std::move(table));
  const MutexLock lock(mutex_);
  if (recent_.size() == kTables) recent_.pop_back();
  recent_.insert(recent_.begin(), {collection.sample_list, placed});
  return placed;
}

}  // namespace augstore
