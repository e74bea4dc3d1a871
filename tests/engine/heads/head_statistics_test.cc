#include "engine/heads/head_statistics.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/math/compute_threads.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 150;  // more than one tile, and no multiple of it
constexpr uint32_t kClasses = 3;

struct Rows {
  explicit Rows(size_t count) : x(RandomMatrix(count, kDim, 7)), samples(count), labels(count) {
    std::iota(samples.begin(), samples.end(), SampleId{0});
    for (size_t i = 0; i < count; ++i) {
      labels[i] = static_cast<int32_t>(i % (kClasses + 1)) - 1;
      for (float& value : x.row(i)) value += 100;
    }
  }
  Matrix x;
  std::vector<SampleId> samples;
  std::vector<int32_t> labels;
};

std::unique_ptr<HeadStatistics> Accumulate(const Rows& rows, size_t batch, uint64_t seed = 0) {
  auto statistics = HeadStatistics::Create(kDim, kClasses, seed).value();
  for (size_t begin = 0; begin < rows.labels.size(); begin += batch) {
    const size_t count = std::min(batch, rows.labels.size() - begin);
    const Status added = statistics->Add(rows.x.view().Slice(begin, count),
                                         std::span(rows.samples).subspan(begin, count),
                                         std::span(rows.labels).subspan(begin, count));
    EXPECT_TRUE(added.ok()) << added.ToString();
  }
  statistics->Finish();
  return statistics;
}

void ExpectSame(const Moments& a, const Moments& b) {
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_EQ(a.sums, b.sums);
  EXPECT_EQ(a.gram, b.gram);
}

TEST(HeadStatistics, AreTheMomentsOfTheLabelledRows) {
  const Rows rows(3000);
  const auto statistics = Accumulate(rows, 500);
  const Moments& training = statistics->training();
  const Moments& held_out = statistics->held_out();
  std::vector<double> sums(kClasses * kDim);
  std::vector<double> gram(kDim * kDim);
  double labelled = 0;
  for (size_t r = 0; r < rows.labels.size(); ++r) {
    if (rows.labels[r] < 0) continue;
    ++labelled;
    std::vector<double> x;
    for (size_t j = 0; j < kDim; ++j) x.push_back(rows.x.row(r)[j] - statistics->pivot()[j]);
    for (size_t i = 0; i < kDim; ++i) {
      sums[static_cast<size_t>(rows.labels[r]) * kDim + i] += x[i];
      for (size_t j = 0; j <= i; ++j) gram[i * kDim + j] += x[i] * x[j];
    }
  }
  EXPECT_EQ(std::accumulate(training.counts.begin(), training.counts.end(), 0.0) +
                std::accumulate(held_out.counts.begin(), held_out.counts.end(), 0.0),
            labelled);
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(training.sums[i] + held_out.sums[i], sums[i], 1e-2);
  }
  for (size_t i = 0; i < kDim; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const size_t at = i * kDim + j;
      EXPECT_NEAR(training.gram[at] + held_out.gram[at], gram[at], 2e-2);
    }
  }
}

TEST(HeadStatistics, AreTheSameBitForBitInAnyBatchesAndOnAnyThreads) {
  const Rows rows(3000);
  const auto whole = Accumulate(rows, 3000);
  for (const size_t batch : {1, 37, 1024}) {
    const auto parts = Accumulate(rows, batch);
    ExpectSame(parts->training(), whole->training());
    ExpectSame(parts->held_out(), whole->held_out());
    EXPECT_TRUE(SameBytes(parts->kept(), whole->kept()));
  }
  const int threads = ComputeThreads();
  SetComputeThreads(3);
  const auto threaded = Accumulate(rows, 100);
  SetComputeThreads(threads);
  ExpectSame(threaded->training(), whole->training());
}

TEST(HeadStatistics, HoldOutAFifthByTheSeedAndTheSample) {
  const Rows rows(4000);
  const auto statistics = Accumulate(rows, 4000);
  double held_out = 0;
  for (const double count : statistics->held_out().counts) held_out += count;
  EXPECT_NEAR(held_out, 600, 60);
  EXPECT_EQ(statistics->kept_labels().size(), static_cast<size_t>(held_out));
  EXPECT_NE(Accumulate(rows, 4000, 1)->held_out().counts, statistics->held_out().counts);

  Rows twice(4000);  // a second epoch of the same samples lands on the same side
  for (size_t i = 0; i < 2000; ++i) {
    twice.samples[2000 + i] = i;
    twice.labels[2000 + i] = twice.labels[i];
  }
  const auto both = Accumulate(twice, 4000);
  for (const double count : both->held_out().counts) {
    EXPECT_EQ(static_cast<uint64_t>(count) % 2, 0u);
  }
}

TEST(HeadStatistics, KeepABoundedNumberOfRows) {
  Rows rows(16000);
  const auto statistics = Accumulate(rows, 16000);
  EXPECT_EQ(statistics->kept().rows, 2048u);
  EXPECT_EQ(statistics->kept_labels().size(), 2048u);
}

TEST(HeadStatistics, RefuseWhatDoesNotFitAndAddNothingThen) {
  const Rows rows(10);
  auto statistics = HeadStatistics::Create(kDim, kClasses, 0).value();
  const auto refused = [&](ConstMatrixView x, std::vector<SampleId> samples,
                           std::vector<int32_t> labels, const std::string& part) {
    const Status status = statistics->Add(x, samples, labels);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_NE(status.message().find(part), std::string::npos) << status.ToString();
  };
  const ConstMatrixView x = rows.x.view();
  refused({x.data, 1, kDim - 1}, {0}, {0}, "149 columns");
  refused(x.Slice(0, 2), {0, 1}, {0}, "1 labels");
  refused(x.Slice(0, 2), {0}, {0, 0}, "1 sample ids");
  refused(x.Slice(0, 2), {0, 1}, {0, 3}, "the label 3");
  refused(x.Slice(0, 2), {0, 1}, {0, -2}, "the label -2");
  statistics->Finish();
  EXPECT_EQ(statistics->training().counts, std::vector<double>(kClasses));
  EXPECT_EQ(statistics->held_out().counts, std::vector<double>(kClasses));
}

TEST(HeadStatistics, BoundDimensionAndClasses) {
  for (const auto& [dim, classes] : {std::pair{0u, 2u}, {8193u, 2u}, {8u, 0u}, {8192u, 1u << 20}}) {
    const auto statistics = HeadStatistics::Create(dim, classes, 0);
    ASSERT_FALSE(statistics.ok());
    EXPECT_EQ(statistics.status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace augstore
