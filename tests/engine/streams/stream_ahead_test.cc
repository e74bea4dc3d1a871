#include "engine/streams/stream_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "engine/streams/shuffle_order.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr uint64_t kSamples = 5000;
constexpr uint64_t kWindow = 1024;
constexpr uint64_t kWindows = 5;  // the last one is short
constexpr RowId kFirstRow = 512;
constexpr uint64_t kRowBytes = 4 * sizeof(float);

// A stream of samples in the order of their rows, which begin with a segment.
Stream MakeStream(uint32_t batch_size, uint32_t world_size = 1) {
  auto table = std::make_shared<SampleTable>();
  for (uint64_t i = 0; i < kSamples; ++i) {
    table->samples.Add(i);
    table->rows.Add(kFirstRow + i);
  }
  table->dim = 4;
  Stream stream;
  stream.chains.emplace_back();  // identity
  stream.table = std::move(table);
  StreamSpec& spec = stream.info.spec;
  spec.shuffle = true;
  spec.shuffle_window = kWindow;
  spec.seed = 7;
  spec.batch_size = batch_size;
  spec.world_size = world_size;
  const uint64_t stride = uint64_t{batch_size} * world_size;
  stream.info.steps = (kSamples + stride - 1) / stride;
  return stream;
}

using Segments = std::set<uint64_t>;

Segments SegmentsOf(const std::vector<RowId>& rows) {
  Segments segments;
  for (const RowId row : rows) segments.insert(row / kSegmentRows);
  return segments;
}

// What positions [begin, end) of an epoch read.
Segments Read(const Stream& stream, uint64_t epoch, uint64_t begin, uint64_t end) {
  const StreamSpec& spec = stream.info.spec;
  ShuffleOrder order(kSamples, spec.seed, epoch, spec.shuffle_window);
  Segments segments;
  for (uint64_t position = begin; position < std::min(end, kSamples); ++position) {
    const uint64_t sample = spec.shuffle ? order.At(position) : position;
    segments.insert(stream.table->rows[sample] / kSegmentRows);
  }
  return segments;
}

bool Covers(const Segments& all, const Segments& part) { return std::ranges::includes(all, part); }

TEST(RowsAhead, NamesAllOfTheNextWindowOverTheBatchesOfOne) {
  for (const uint32_t batch_size : {1u, 100u, 256u, 1000u, 4096u}) {
    const Stream stream = MakeStream(batch_size);
    Segments asked;
    uint64_t ready = 1;  // windows whose following one was asked for wholly
    for (uint64_t step = 0; step < stream.info.steps; ++step) {
      asked.merge(SegmentsOf(RowsAhead(stream, 3, step, false, 4096 * kRowBytes)));
      const uint64_t end = std::min<uint64_t>((step + 1) * batch_size, kSamples);
      for (; ready < kWindows && end >= ready * kWindow; ++ready) {
        EXPECT_TRUE(Covers(asked, Read(stream, 3, ready * kWindow, (ready + 1) * kWindow)))
            << batch_size << " window " << ready;
      }
    }
    EXPECT_EQ(ready, kWindows);
    // And the first one of the next epoch.
    EXPECT_TRUE(Covers(asked, Read(stream, 4, 0, kWindow))) << batch_size;
  }
}

TEST(RowsAhead, NamesNoMoreWithABatchThanItsShare) {
  const Stream stream = MakeStream(256);
  for (uint64_t step = 0; step < stream.info.steps; ++step) {
    EXPECT_LE(SegmentsOf(RowsAhead(stream, 0, step, false, 4096 * kRowBytes)).size(), 4u) << step;
  }
}

TEST(RowsAhead, NamesTheOwnWindowFirst) {
  const Stream stream = MakeStream(256);
  for (const uint64_t step : {uint64_t{0}, uint64_t{5}, stream.info.steps - 1}) {
    const uint64_t window = step * 256 / kWindow;
    const Segments own = Read(stream, 0, window * kWindow, (window + 1) * kWindow);
    EXPECT_TRUE(Covers(SegmentsOf(RowsAhead(stream, 0, step, true, 4096 * kRowBytes)), own));
    EXPECT_FALSE(Covers(SegmentsOf(RowsAhead(stream, 0, step, false, 4096 * kRowBytes)), own));
  }
}

TEST(RowsAhead, NamesWhatAllRanksNeedForEachOfThem) {
  Stream stream = MakeStream(128, 4);
  const auto alone = RowsAhead(MakeStream(512), 0, 1, false, 4096 * kRowBytes);
  for (uint32_t rank = 0; rank < 4; ++rank) {
    stream.info.spec.rank = rank;
    EXPECT_EQ(RowsAhead(stream, 0, 1, false, 4096 * kRowBytes), alone);
  }
}

TEST(RowsAhead, GoesBeforeAStreamInOrder) {
  Stream stream = MakeStream(256);
  stream.info.spec.shuffle = false;
  Segments asked = SegmentsOf(RowsAhead(stream, 0, 0, true, 4096 * kRowBytes));
  EXPECT_TRUE(Covers(asked, Read(stream, 0, 0, 2048)));
  for (uint64_t step = 0; step < 8; ++step) {
    asked.merge(SegmentsOf(RowsAhead(stream, 0, step, false, 4096 * kRowBytes)));
  }
  EXPECT_TRUE(Covers(asked, Read(stream, 0, 2048, 4096)));
}

TEST(RowsAhead, NamesTheRowsOfTheViewsThatAreDrawn) {
  constexpr uint64_t kViews = 100 * kSegmentRows;
  Stream stream = MakeStream(256);
  auto table = std::make_shared<SampleTable>(*stream.table);
  table->views.resize(2);
  for (uint64_t i = 0; i < kSamples; ++i) {
    table->views[0].Add(kNoRow);
    table->views[1].Add(kViews + i);
  }
  stream.table = table;
  stream.info.spec.shuffle = false;
  stream.chains[0].views = {1};
  const std::vector<RowId> views = RowsAhead(stream, 0, 0, true, 1u << 30);
  EXPECT_EQ(*SegmentsOf(views).begin(), 100u);
  stream.chains.emplace_back();  // identity
  EXPECT_EQ(RowsAhead(stream, 0, 0, true, 1u << 30).size(), 2 * views.size());
}

TEST(RowsAhead, NamesNothingThatWouldNotFit) {
  const Stream stream = MakeStream(256);
  EXPECT_TRUE(RowsAhead(stream, 0, 1, false, 2 * kWindow * kRowBytes - 1).empty());
  EXPECT_FALSE(RowsAhead(stream, 0, 1, false, 2 * kWindow * kRowBytes).empty());
  EXPECT_TRUE(RowsAhead(stream, 0, 1, true, kWindow * kRowBytes - 1).empty());
  EXPECT_FALSE(RowsAhead(stream, 0, 1, true, kWindow * kRowBytes).empty());
}

TEST(RowsAhead, NamesEverythingOnceForAShuffleOverEverything) {
  Stream stream = MakeStream(256);
  stream.info.spec.shuffle_window = 0;
  const Segments all = Read(stream, 0, 0, kSamples);
  EXPECT_EQ(SegmentsOf(RowsAhead(stream, 0, 3, true, kSamples * kRowBytes)), all);
  EXPECT_TRUE(RowsAhead(stream, 0, 3, false, kSamples * kRowBytes).empty());
  EXPECT_TRUE(RowsAhead(stream, 0, 3, true, kSamples * kRowBytes - 1).empty());
}

}  // namespace
}  // namespace augstore
