#include "storage/store/read_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <new>
#include <set>

namespace augstore {
namespace {

// Notes what is loaded; the first load waits until the test lets it end.
class ReadAheadTest : public testing::Test {
 protected:
  void Load(const SegmentId& id) {
    std::unique_lock lock(mutex_);
    started_.insert(id.segment);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (id.segment == kFailing) throw std::bad_alloc();
    ended_.insert(id.segment);
    changed_.notify_all();
  }
  void WaitUntil(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), done));
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  static constexpr uint64_t kFailing = 99;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::set<uint64_t> started_;
  std::set<uint64_t> ended_;
  std::shared_ptr<int> wanted_ = std::make_shared<int>();
};

TEST_F(ReadAheadTest, LoadsWhatIsAskedForAlsoBehindALoadThatFails) {
  ReadAhead ahead([this](const SegmentId& id) { Load(id); });
  Open();
  ahead.Ask(std::vector<SegmentId>{{1, 0}, {1, kFailing}, {1, 1}}, wanted_);
  ahead.Ask(std::vector<SegmentId>{{1, 2}}, wanted_);
  WaitUntil([this] { return ended_ == std::set<uint64_t>{0, 1, 2}; });
}

TEST_F(ReadAheadTest, ForgetsWhatNobodyWantsAnyMore) {
  ReadAhead ahead([this](const SegmentId& id) { Load(id); });
  const auto stays = std::make_shared<int>();
  ahead.Ask(std::vector<SegmentId>{{1, 0}, {1, 1}}, stays);  // keeps both threads
  WaitUntil([this] { return started_.size() == 2; });
  ahead.Ask(std::vector<SegmentId>{{1, 2}, {1, 3}}, wanted_);
  ahead.Ask(std::vector<SegmentId>{{1, 4}}, stays);
  wanted_.reset();
  Open();
  WaitUntil([this] { return ended_ == std::set<uint64_t>{0, 1, 4}; });
}

std::vector<SegmentId> Numbered(uint64_t count) {
  std::vector<SegmentId> segments;
  for (uint64_t i = 0; i < count; ++i) segments.push_back({1, i + 1000});
  return segments;
}

TEST_F(ReadAheadTest, EndsWithLoadsLeft) {
  std::future<void> opens;
  {
    ReadAhead ahead([this](const SegmentId& id) { Load(id); });
    ahead.Ask(Numbered(1000), wanted_);
    WaitUntil([this] { return started_.size() == 2; });
    // The loads that run end a while after the object has begun to end.
    opens = std::async(std::launch::async, [this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      Open();
    });
  }
  EXPECT_EQ(ended_.size(), 2u);
}

TEST_F(ReadAheadTest, ForgetsWhatIsMoreThanItMayRemember) {
  ReadAhead ahead([this](const SegmentId& id) { Load(id); });
  ahead.Ask(std::vector<SegmentId>{{1, 0}, {1, 1}}, wanted_);  // keeps both threads
  WaitUntil([this] { return started_.size() == 2; });
  ahead.Ask(Numbered(ReadAhead::kMostAsked + 10), wanted_);
  Open();
  WaitUntil([this] { return ended_.size() == ReadAhead::kMostAsked + 2; });
  ahead.Ask(std::vector<SegmentId>{{1, 2}}, wanted_);
  WaitUntil([this] { return ended_.contains(2); });
  EXPECT_EQ(started_.size(), ReadAhead::kMostAsked + 3);
}

TEST(LoadTurns, LetsOneThreadAtATimeLoadASegment) {
  LoadTurns turns;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const LoadTurns::Turn turn(&turns, {1, 7});
        most = std::max<int>(most, ++inside);
        std::this_thread::yield();
        --inside;
      }
    });
  }
  {
    const LoadTurns::Turn own(&turns, {1, 8});  // another segment waits for nobody
    const LoadTurns::Turn feature_maps(&turns, {1, 8, RowPart::kMap});
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace augstore
