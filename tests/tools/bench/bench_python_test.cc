#include <gtest/gtest.h>

#include <filesystem>

#include "schemas/base/files.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/bench/bench_parts.h"

namespace augstore {
namespace {

constexpr const char* kResult = R"({"rows": [
  {"name": "augstore, unix", "policy": "plain", "rows_per_second": 80.5, "low": 70, "high": 90,
   "ratio": 1, "why": ""},
  {"name": "npy", "policy": "plain", "rows_per_second": 161, "low": 150, "high": 170,
   "ratio": 0.5, "why": "it computes nothing"}],
  "targets": [{"name": "Python / C++ client, unix, plain", "value": 0.75, "target": 0.8, "met": false}]})";

// A script takes the place of Python; tests/python run streams.py itself.
class BenchPythonTest : public testing::Test {
 protected:
  BenchPythonTest() {
    dir_.Write("client/bench/streams.py", "");
    dir_.Write("result", kResult);
  }

  // A Python that lacks `missing`, and that runs `body` in place of a script.
  std::string Python(const std::string& missing, const std::string& body) {
    const std::string file = dir_.Write(
        "python", fmt::format("#!/bin/sh\nif [ \"$1\" = -c ]; then echo {}; exit 0; fi\n{}\n",
                              missing, body));
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  std::string Cat() { return "cat " + dir_.path() + "/result; exit 1"; }

  CommandResult Bench(const std::string& python, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {
        "bench",        "python",    "--quick",       "--quiet",   "--json",      "--dim",
        "16",           "--scale",   "0.1",           "--python",  python,        "--python-client",
        Path("client"), "--scratch", Path("scratch"), "--program", "/bin/program"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddBenchCommand, std::move(args));
  }

  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  TempDir dir_;
};

TEST_F(BenchPythonTest, ShowsWhatTheScriptMeasured) {
  const CommandResult result = Bench(Python("", Cat()));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  const Json& rows = json["tables"]["python"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1]["case"], "npy");
  EXPECT_EQ(rows[1]["rows/s"], 161);
  EXPECT_EQ(rows[1]["augstore/it"], 0.5);
  EXPECT_EQ(rows[1]["why faster"], "it computes nothing");
  ASSERT_EQ(json["targets"].size(), 1u);
  EXPECT_EQ(json["targets"][0]["value"], 0.75);
  EXPECT_EQ(json["targets"][0]["met"], false);
}

TEST_F(BenchPythonTest, GivesTheScriptItsProgramSizesAndScratchFolder) {
  const std::string say = fmt::format("echo $AUGSTORE_BINARY $* >{}; {}", Path("asked"), Cat());
  const CommandResult result = Bench(Python("", say), {"--seed", "7"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto asked = ReadFile(Path("asked"), 4096);
  ASSERT_TRUE(asked.ok());
  for (const std::string& part :
       {"/bin/program " + Path("client/bench/streams.py") + " --json --scratch " + Path("scratch"),
        std::string(" --rows 256 --dim 16 --rounds 2 --seed 7 --quick")}) {
    EXPECT_NE(asked->find(part), std::string::npos) << *asked;
  }
  EXPECT_TRUE(std::filesystem::is_empty(Path("scratch"))) << "scratch folders are removed";
}

TEST_F(BenchPythonTest, NamesWhatIsMissingAndTheRemedy) {
  const CommandResult torch = Bench(Python("torch", Cat()));
  EXPECT_EQ(torch.exit_code, 3);
  EXPECT_NE(torch.err.find("lacks torch: install what is missing (Debian: "), std::string::npos);
  EXPECT_NE(torch.err.find("--python"), std::string::npos);
  const CommandResult python = Bench("/nowhere/python");
  EXPECT_EQ(python.exit_code, 3);
  EXPECT_NE(python.err.find("'/nowhere/python' does not run Python"), std::string::npos);
  std::filesystem::remove_all(Path("client"));
  const CommandResult script = Bench(Python("", Cat()));
  EXPECT_EQ(script.exit_code, 3);
  EXPECT_NE(script.err.find("there is no script '" + Path("client")), std::string::npos);
  EXPECT_NE(script.err.find("--python-client"), std::string::npos);
}

TEST_F(BenchPythonTest, IsLeftOutOfAllPartsWithANoteWhereSomethingIsMissing) {
  BenchFlags flags;
  flags.python = "/nowhere/python";
  flags.python_client = Path("client");
  BenchReport report;
  const Status status = BenchPython(flags, &report);
  EXPECT_EQ(status.code(), Code::kNotFound);  // a run of all parts leaves it out
  EXPECT_TRUE(report.tables.empty());
  EXPECT_NE(status.message().find("'/nowhere/python' does not run Python"), std::string::npos)
      << status.ToString();
}

TEST_F(BenchPythonTest, AScriptWithoutAResultIsAnError) {
  const CommandResult failed = Bench(Python("", "echo no server >&2; exit 9"));
  EXPECT_EQ(failed.exit_code, 5);
  EXPECT_NE(failed.err.find("no server"), std::string::npos);
  EXPECT_NE(failed.err.find("exit code 9"), std::string::npos);
  const CommandResult other = Bench(Python("", "echo '{\"rows\": [{}], \"targets\": []}'"));
  EXPECT_EQ(other.exit_code, 5);
  EXPECT_NE(other.err.find("--python-client"), std::string::npos) << other.err;
}

}  // namespace
}  // namespace augstore
