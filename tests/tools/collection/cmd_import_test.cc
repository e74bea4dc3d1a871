// augstore import, run as a user types it.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "schemas/weights/npy.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

class ImportTest : public testing::Test {
 protected:
  // Imports a row (first, first + 1, first + 2) for each of `firsts`, from folder/z.npy, into
  // "days".
  CommandResult Import(const std::string& folder, const std::vector<float>& firsts,
                       std::vector<std::string> more = {}) {
    Matrix rows(firsts.size(), 3);
    for (size_t i = 0; i < firsts.size(); ++i) {
      for (size_t j = 0; j < 3; ++j) rows.row(i)[j] = firsts[i] + static_cast<float>(j);
    }
    const std::string npy =
        dir_.Write(folder + "/z.npy", WriteNpyMatrix(std::as_const(rows).view()));
    std::vector<std::string> args = {
        "import",          "--store", dir_.path() + "/db", "--npy", npy, "--collection", "days",
        "--backbone-name", "phi",     "--quiet",           "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddImportCommand, args);
  }
  std::string Labels(const std::vector<int64_t>& labels) {
    return dir_.Write("y.npy", WriteNpyIntegers(labels));
  }

  TempDir dir_;
};

void ExpectCounts(const CommandResult& run, uint64_t added, uint64_t replaced, uint64_t left) {
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.json()["added"], added);
  EXPECT_EQ(run.json()["replaced"], replaced);
  EXPECT_EQ(run.json()["left"], left);
}

TEST_F(ImportTest, ASecondFileOfTheSameNameAddsItsRows) {
  ExpectCounts(Import("monday", {0, 10, 20}), 3, 0, 0);
  const CommandResult second = Import("tuesday", {30, 10});
  ExpectCounts(second, 1, 0, 1);
  EXPECT_EQ(second.json()["samples"], 4);
  EXPECT_EQ(second.err, "");
}

TEST_F(ImportTest, OtherLabelsForTheSameRowsAreRefusedWithCountsUntilTheyAreAskedFor) {
  ExpectCounts(Import("monday", {0, 10, 20}, {"--labels", Labels({0, 0, 1})}), 3, 0, 0);
  std::vector<std::string> relabel = {"--labels", Labels({0, 1, 1, 1})};
  const CommandResult refused = Import("tuesday", {0, 10, 20, 30}, relabel);
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.err.find("1 samples of 'days@1' would be replaced"), std::string::npos)
      << refused.err;
  EXPECT_NE(refused.err.find("1 would be added, 2 are there as they are"), std::string::npos)
      << refused.err;
  relabel.push_back("--replace-samples");
  const CommandResult allowed = Import("tuesday", {0, 10, 20, 30}, relabel);
  ExpectCounts(allowed, 1, 1, 2);
  EXPECT_EQ(allowed.json()["collection"], "days@2");
}

TEST_F(ImportTest, WarnsOfRowsThatAnotherSplitHas) {
  ExpectCounts(Import("monday", {0, 10, 20}), 3, 0, 0);
  const CommandResult test = Import("monday", {0, 10}, {"--split", "test"});
  ExpectCounts(test, 2, 0, 0);
  EXPECT_NE(test.err.find("warning: 2 rows of days are both in test and train"), std::string::npos)
      << test.err;
}

TEST_F(ImportTest, StartsEmptyWhenAsked) {
  ExpectCounts(Import("monday", {0, 10, 20}), 3, 0, 0);
  const CommandResult anew = Import("monday", {20}, {"--start-empty"});
  ExpectCounts(anew, 1, 0, 0);
  EXPECT_EQ(anew.json()["samples"], 1);
}

TEST_F(ImportTest, TakesABackboneForNormalisedWhenItsFirstRowsAreAndThenNoOthers) {
  const auto import_row = [&](const std::vector<float>& row, const std::string& name) {
    Matrix rows(1, row.size());
    std::copy(row.begin(), row.end(), rows.data());
    const std::string npy = dir_.Write("u.npy", WriteNpyMatrix(std::as_const(rows).view()));
    return RunCommand(AddImportCommand, {"import", "--store", dir_.path() + "/db", "--npy", npy,
                                         "--collection", name, "--backbone-name", name, "--quiet"});
  };
  ASSERT_EQ(import_row({0.6F, -0.8F}, "unit").exit_code, 0);
  EXPECT_EQ(import_row({-1, 0}, "unit").exit_code, 0);
  const CommandResult refused = import_row({0.6F, -0.9F}, "unit");
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.err.find("all embeddings of backbone unit@1 have length 1"), std::string::npos)
      << refused.err;
  ASSERT_EQ(import_row({0.6F, -0.9F}, "long").exit_code, 0);
  EXPECT_EQ(import_row({0.6F, -0.8F}, "long").exit_code, 0);
}

}  // namespace
}  // namespace augstore
