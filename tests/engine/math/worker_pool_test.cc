#include "engine/math/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "engine/math/compute_threads.h"

namespace augstore {
namespace {

TEST(WorkerPool, RunsEveryPartOnce) {
  WorkerPool pool(4);
  EXPECT_EQ(pool.threads(), 4u);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::atomic<int>> runs(97);
    pool.Run(runs.size(), [&](size_t part, size_t) { ++runs[part]; });
    for (const std::atomic<int>& count : runs) EXPECT_EQ(count.load(), 1);
  }
}

TEST(WorkerPool, RunsNothingForNoParts) {
  WorkerPool pool(2);
  pool.Run(0, [](size_t, size_t) { FAIL(); });
}

TEST(WorkerPool, NeverRunsAPartOfARunThatHasEnded) {
  WorkerPool pool(4);
  std::atomic<int> current = 0;
  std::atomic<bool> late = false;
  for (int run = 1; run <= 5000; ++run) {
    current = run;
    // Some runs end before the workers have seen them.
    const size_t parts = run % 3 == 0 ? 2 : 9;
    std::atomic<size_t> done = 0;
    pool.Run(parts, [&, run](size_t, size_t) {
      if (current != run) late = true;
      ++done;
    });
    ASSERT_EQ(done, parts);
  }
  EXPECT_FALSE(late);
}

TEST(WorkerPool, GivesEachThreadANumberOfItsOwn) {
  WorkerPool pool(3);
  std::vector<std::atomic<int>> inside(3);
  std::atomic<bool> shared = false;
  pool.Run(300, [&](size_t, size_t thread) {
    if (++inside.at(thread) != 1) shared = true;
    --inside[thread];
  });
  EXPECT_FALSE(shared);
}

TEST(WorkerPool, ComputesOnOneThreadInsideAPartAndRestoresTheCallersSetting) {
  const int before = ComputeThreads();
  SetComputeThreads(2);
  WorkerPool pool(2);
  std::atomic<int> most = 0;
  const auto look = [&](size_t, size_t) {
    if (ComputeThreads() > most) most = ComputeThreads();
  };
  pool.Run(1, look);
  pool.Run(16, look);
  EXPECT_EQ(most, 1);
  EXPECT_EQ(ComputeThreads(), 2);
  SetComputeThreads(before);
}

}  // namespace
}  // namespace augstore
