#include "schemas/base/block_memory.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {
namespace {

TEST(BlockMemory, GivesWhatWasReturnedLast) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers see every allocation";
#endif
  constexpr size_t kBytes = 3'000'001;
  uint8_t* const first = TakeBlock(kBytes);
  uint8_t* const second = TakeBlock(kBytes);
  EXPECT_NE(first, second);
  ReturnBlock(first);
  ReturnBlock(second);
  EXPECT_EQ(TakeBlock(kBytes + 100), second);  // sizes are rounded
  EXPECT_EQ(TakeBlock(kBytes), first);
  ReturnBlock(first);
  ReturnBlock(second);
}

TEST(BlockMemory, IsAlignedAndWritableAtEverySize) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{65535}, size_t{65536}, size_t{65537},
                             size_t{1} << 20, (size_t{8} << 20) + 1, size_t{40} << 20}) {
    for (int round = 0; round < 3; ++round) {
      const std::shared_ptr<uint8_t[]> memory = SharedBlock(bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.get()) % kAlignment, 0u) << bytes;
      std::memset(memory.get(), round, bytes);
    }
  }
}

TEST(BlockMemory, KeepsItsBlocksApart) {
  std::vector<std::shared_ptr<uint8_t[]>> all;
  const std::vector<size_t> sizes = {66'000, 133'120, 524'288, 1'000'000, size_t{7} << 20};
  for (uint8_t round = 0; round < 40; ++round) {
    for (const size_t size : sizes) {
      all.push_back(SharedBlock(size));
      std::memset(all.back().get(), round, size);
    }
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t size = sizes[i % sizes.size()];
    EXPECT_EQ(all[i][0], i / sizes.size());
    EXPECT_EQ(all[i][size - 1], i / sizes.size());
  }
}

TEST(BlockMemory, KeepsNoMoreThanItMay) {
  // Twice what is kept: the first returned lose their memory, and taking as many again is no
  // problem.
  constexpr size_t kBytes = size_t{1} << 20;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::shared_ptr<uint8_t[]>> all;
    std::set<uint8_t*> places;
    for (size_t i = 0; i < 2 * kKeptBlockBytes / kBytes; ++i) {
      all.push_back(SharedBlock(kBytes));
      places.insert(all.back().get());
    }
    EXPECT_EQ(places.size(), all.size());
  }
}

TEST(BlockMemory, HoldsLittleMoreThanItsBlocksHoweverManySizesTheyHave) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers see every allocation";
#endif
  const auto resident = [] {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  };
  const size_t before = resident();
  size_t taken = 0;
  for (size_t bytes = size_t{64} << 10; bytes < size_t{1} << 20; bytes += bytes / 15) {
    const std::shared_ptr<uint8_t[]> memory = SharedBlock(bytes);
    std::memset(memory.get(), 1, bytes);
    taken += bytes;
  }
  // With a huge page for each size it would be 90 MiB.
  EXPECT_LE(resident(), before + taken + (size_t{8} << 20));
}

TEST(BlockMemory, MayBeReturnedByAnotherThread) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (size_t i = 0; i < 200; ++i) {
        auto memory = SharedBlock(100'000 + i % 3 * 100'000);
        std::memset(memory.get(), t, 1000);
        std::thread([moved = std::move(memory), t] { EXPECT_EQ(moved[999], t); }).join();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace augstore
