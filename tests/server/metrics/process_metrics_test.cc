#include "server/metrics/process_metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

std::map<std::string, double> Samples() {
  MetricsText text;
  AddProcessMetrics(&text);
  std::istringstream lines(text.Take());
  std::map<std::string, double> samples;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const size_t space = line.find(' ');
    samples[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return samples;
}

TEST(ProcessMetricsTest, SaysWhatTheSystemKnowsOfThisProcess) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto samples = Samples();
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(samples.at("process_virtual_memory_bytes"),
            samples.at("process_resident_memory_bytes"));
  EXPECT_GT(samples.at("process_open_fds"), 2);
  EXPECT_GE(samples.at("process_max_fds"), samples.at("process_open_fds"));
  EXPECT_GT(samples.at("process_cpu_seconds_total"), 0);
  // The machine's clock may have been set since it started; not by a day.
  EXPECT_NEAR(samples.at("process_start_time_seconds"), now, 86'400);
}

TEST(ProcessMetricsTest, FindsTheSpaceOfAFolder) {
  const TempDir folder;
  const auto disk = FindDiskSpace(folder.path());
  ASSERT_TRUE(disk.ok() && disk->has_value());
  EXPECT_GT((*disk)->total_bytes, 0u);
  EXPECT_LE((*disk)->free_bytes, (*disk)->total_bytes);
  EXPECT_FALSE(FindDiskSpace("")->has_value()) << "a store in memory";
  EXPECT_EQ(FindDiskSpace(folder.path() + "/none").status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace augstore
