#include "engine/streams/stream_ahead.h"

#include <algorithm>

#include "engine/streams/shuffle_order.h"
#include "engine/streams/view_choice.h"

namespace augstore {
namespace {

// Neighbours in a collection are mostly neighbours in the store, so every 64th sample names all
// segments of a block, or nearly all.
constexpr uint64_t kProbe = 64;
// The window of a stream without shuffling.
constexpr uint64_t kBlocksInOrder = 8;

// The rows that a stream may read of each sample: of its image, of views.
std::vector<const IdList*> SourcesOf(const Stream& stream) {
  std::vector<const IdList*> sources;
  const auto of_image = [](const ResolvedChain& chain) { return chain.views.empty(); };
  if (std::ranges::any_of(stream.chains, of_image)) sources.push_back(&stream.table->rows);
  for (const uint16_t view : ViewsOf(stream)) sources.push_back(&stream.table->views[view]);
  return sources;
}

// The windows of a stream; all its epochs have the same ones.
class Windows {
 public:
  explicit Windows(const Stream& stream)
      : table_(*stream.table),
        spec_(stream.info.spec),
        sources_(SourcesOf(stream)),
        samples_(table_.samples.size()) {
    const uint64_t window = spec_.shuffle ? WholeWindow(samples_, spec_.shuffle_window)
                                          : kBlocksInOrder * kShuffleBlock;
    size_ = window == 0 ? samples_ : std::min(window, samples_);
  }
  uint64_t size() const { return size_; }
  uint64_t samples() const { return samples_; }
  bool is_everything() const { return size_ == samples_; }
  // The last window may be short.
  uint64_t SizeOf(uint64_t window) const { return std::min(size_, samples_ - window * size_); }

  // Adds rows that name the segments of positions [begin, end) of a window.
  void AddRows(uint64_t epoch, uint64_t window, uint64_t begin, uint64_t end,
               std::vector<RowId>* rows) const {
    const bool windowed = spec_.shuffle && !is_everything();
    const ShuffleOrder order(samples_, spec_.seed, epoch, windowed ? spec_.shuffle_window : 0);
    const uint64_t from = window * size_ + begin;
    const uint64_t to = window * size_ + end;
    // From the last multiple of kProbe, so that slices of any size name the same rows.
    for (uint64_t probe = from / kProbe * kProbe; probe < to; probe += kProbe) {
      const uint64_t position = std::max(probe, from);
      const uint64_t entry = windowed ? order.InBlockOrder(position) : position;
      for (const IdList* source : sources_) rows->push_back((*source)[entry]);
    }
  }

 private:
  const SampleTable& table_;
  const StreamSpec& spec_;
  const std::vector<const IdList*> sources_;
  const uint64_t samples_;
  uint64_t size_;
};

// Adds the slice of the next window that is in proportion to positions [begin, end) of the epoch,
// which may lie in several windows.
void AddNext(const Windows& windows, uint64_t epoch, uint64_t begin, uint64_t end,
             std::vector<RowId>* rows) {
  while (begin < end) {
    const uint64_t window = begin / windows.size();
    const uint64_t size = windows.SizeOf(window);
    const uint64_t offset = begin - window * windows.size();
    const uint64_t stop = std::min(size, offset + (end - begin));
    const bool last = (window + 1) * windows.size() >= windows.samples();
    const uint64_t next = last ? 0 : window + 1;
    const uint64_t next_size = windows.SizeOf(next);
    windows.AddRows(last ? epoch + 1 : epoch, next, offset * next_size / size,
                    stop * next_size / size, rows);
    begin += stop - offset;
  }
}

bool StreamReadsFeatureMap(const Stream& stream) {
  return std::ranges::any_of(
      stream.chains, [](const ResolvedChain& chain) { return ReadsFeatureMap(chain.steps); });
}

// Bytes of a sample in the store's memory.
uint64_t SampleMemory(const Stream& stream) {
  uint64_t bytes = SourcesOf(stream).size() * RowBytes(stream.table->dtype, stream.table->dim);
  for (const ResolvedChain& chain : stream.chains) {
    if (!ReadsFeatureMap(chain.steps)) continue;
    return bytes + RowBytes(Dtype::kU8, chain.steps.front().model->front->feature_map().values());
  }
  return bytes;
}

}  // namespace

std::vector<RowId> RowsAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first,
                             uint64_t memory_budget) {
  const Windows windows(stream);
  const StreamSpec& spec = stream.info.spec;
  const uint64_t window_bytes = windows.size() * SampleMemory(stream);
  const uint64_t stride = uint64_t{spec.world_size} * spec.batch_size;
  const uint64_t begin = step * stride;
  const uint64_t window = begin / windows.size();
  std::vector<RowId> rows;
  if (first && window_bytes <= memory_budget) {
    windows.AddRows(epoch, window, 0, windows.SizeOf(window), &rows);
  }
  if (!windows.is_everything() && window_bytes <= memory_budget / 2) {
    AddNext(windows, epoch, begin, std::min(windows.samples(), begin + stride), &rows);
  }
  return rows;
}

void AskAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first, Store& store,
              const std::weak_ptr<const void>& wanted) {
  const std::vector<RowId> rows = RowsAhead(stream, epoch, step, first, store.MemoryBudget());
  if (rows.empty()) return;
  store.ReadAheadOf(stream.table->space, RowPart::kEmbedding, rows, wanted);
  if (StreamReadsFeatureMap(stream)) {
    store.ReadAheadOf(stream.table->space, RowPart::kMap, rows, wanted);
  }
}

}  // namespace augstore
