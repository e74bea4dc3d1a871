#include "tools/collection/test_set.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

TEST(LoadTestSet, GivesAllSamplesOfASplitInOrder) {
  TempDir dir;
  ASSERT_TRUE(MakeBlobs(dir.path(), "blobs").ok());
  const auto database = Database::Open({.store = dir.path(), .connect = {}});
  ASSERT_TRUE(database.ok());
  const auto test = LoadTestSet((*database)->client(), "blobs", "test", "");
  ASSERT_TRUE(test.ok()) << test.status().ToString();
  ASSERT_EQ(test->labels.size(), 60u);
  EXPECT_EQ(test->embeddings.rows(), 60u);
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(test->labels[i], static_cast<int32_t>((240 + i) % 3));
    EXPECT_GE(test->embeddings.row(i)[i % 3], 3.0f);
  }
  const auto unlabelled = LoadTestSet((*database)->client(), "blobs", "unlabelled", "");
  ASSERT_TRUE(unlabelled.ok());
  EXPECT_EQ(unlabelled->labels, std::vector<int32_t>(10, -1));
}

TEST(LoadTestSet, RefusesASplitThatDoesNotExist) {
  TempDir dir;
  ASSERT_TRUE(MakeBlobs(dir.path(), "blobs").ok());
  const auto database = Database::Open({.store = dir.path(), .connect = {}});
  ASSERT_TRUE(database.ok());
  EXPECT_FALSE(LoadTestSet((*database)->client(), "blobs", "validation", "").ok());
}

}  // namespace
}  // namespace augstore
