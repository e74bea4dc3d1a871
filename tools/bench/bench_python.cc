// bench python: the Python client's streams as PyTorch tensors, the C++ client and baselines.
// client/python/bench/streams.py measures them in another process.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/bench_server.h"

namespace augstore {
namespace {

constexpr int kPollMs = 100;
constexpr uint64_t kBatch = 256;  // of streams.py
constexpr const char* kScript = "/bench/streams.py";
// Prints the packages that are not installed, without loading those that are.
constexpr const char* kMissing =
    "import importlib.util as u; print(*[m for m in ('numpy', 'torch') if u.find_spec(m) is None])";

struct Finished {
  int exit_code = 0;  // 128 and more: of the signal
  std::string output;
};

// Runs the words to the end; words[0] is searched for in PATH. Errors: kUnavailable.
Result<Finished> RunProgram(std::vector<std::string> words) {
  words.insert(words.begin(), "/usr/bin/env");
  Descriptor output;
  AUGSTORE_ASSIGN(const pid_t pid, StartProgram(std::move(words), &output));
  Finished finished;
  std::array<char, 4096> part;
  bool signalled = false;
  for (bool open = true; open;) {
    // One signal: at the second it would leave its folder behind.
    if (Interrupted() && !signalled) signalled = ::kill(pid, SIGTERM) == 0;
    pollfd entry{output.get(), POLLIN, 0};
    if (::poll(&entry, 1, kPollMs) <= 0) continue;
    const ssize_t count = ::read(output.get(), part.data(), part.size());
    if (count > 0) finished.output.append(part.data(), static_cast<size_t>(count));
    open = count > 0 || (count < 0 && errno == EINTR);
  }
  int state = 0;
  while (::waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  finished.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return finished;
}

std::string ClientFolder(const BenchFlags& flags) {
  return flags.python_client.empty() ? AUGSTORE_PYTHON_CLIENT : flags.python_client;
}

// Errors: kNotFound (the script, Python or a package), with the remedy.
Status FindPython(const BenchFlags& flags) {
  const std::string script = ClientFolder(flags) + kScript;
  if (!std::filesystem::exists(script)) {
    return NotFound(
        "there is no script '{}': name the folder client/python of augstore's sources with "
        "--python-client",
        script);
  }
  AUGSTORE_ASSIGN(Finished asked, RunProgram({flags.python, "-c", kMissing}));
  if (asked.exit_code != 0) {
    return NotFound("'{}' does not run Python: install python3, or name another with --python",
                    flags.python);
  }
  while (!asked.output.empty() && asked.output.back() == '\n') asked.output.pop_back();
  if (asked.output.empty()) return OkStatus();
  return NotFound(
      "'{}' lacks {}: install what is missing (Debian: python3-numpy, python3-torch), or name a "
      "Python that has it with --python",
      flags.python, asked.output);
}

Result<Json> Measure(const BenchFlags& flags, const std::string& scratch) {
  const std::string program = ServerProgram(flags);
  const uint64_t rows = Scaled(flags, flags.quick ? 2560 : 20'480, kBatch);
  std::vector<std::string> words = {"AUGSTORE_BINARY=" + program,
                                    "PYTHONDONTWRITEBYTECODE=1",
                                    flags.python,
                                    ClientFolder(flags) + kScript,
                                    "--json",
                                    "--scratch",
                                    scratch};
  const auto add = [&](const char* flag, uint64_t value) {
    words.insert(words.end(), {flag, std::to_string(value)});
  };
  add("--rows", rows);
  add("--dim", flags.dim);
  add("--rounds", flags.quick ? std::min<uint32_t>(flags.repeat, 2) : flags.repeat);
  add("--seed", flags.seed);
  if (flags.quick) words.emplace_back("--quick");
  AUGSTORE_ASSIGN(const Finished finished, RunProgram(std::move(words)));
  if (Interrupted()) return InterruptedStatus("bench python stopped");
  // Exit code 1 with a result: a target is missed.
  Json result = Json::parse(finished.output, nullptr, false);
  if (result.is_object() && result.contains("rows") && result.contains("targets")) return result;
  return Unavailable(
      "'{} {}{}' printed no result and ended with exit code {}: its messages are above",
      flags.python, ClientFolder(flags), kScript, finished.exit_code);
}

// Errors: kUnavailable (a result of another release's script).
Status Report(const Json& result, BenchReport* report) {
  BenchTable table{
      .name = "python",
      .legend =
          "rows into PyTorch tensors, batches of 256, in a new random order each epoch, one "
          "process unless it says more. plain: z as it is;\npolicy: identity or an affine map of d "
          "x d, drawn for each sample. 'augstore/it': the Python client on a Unix socket over "
          "this\nrow, measured in the same rounds; below 1 the row is faster, for the reason that "
          "it gives",
  };
  std::vector<Target> targets;
  try {
    for (const Json& row : result.at("rows")) {
      table.rows.push_back({{"case", row.at("name")},
                            {"rows", row.at("policy")},
                            {"rows/s", row.at("rows_per_second")},
                            {"lowest", row.at("low")},
                            {"highest", row.at("high")},
                            {"augstore/it", row.at("ratio")},
                            {"why faster", row.at("why")}});
    }
    for (const Json& target : result.at("targets")) {
      targets.push_back({target.at("name").get<std::string>(), target.at("value").get<double>(),
                         target.at("target").get<double>()});
    }
  } catch (const Json::exception& error) {
    return Unavailable(
        "this program cannot read the result of streams.py ({}): name the Python client of "
        "the same release with --python-client",
        error.what());
  }
  report->tables.push_back(std::move(table));
  report->targets.insert(report->targets.end(), targets.begin(), targets.end());
  return OkStatus();
}

}  // namespace

Status BenchPython(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_TRY(FindPython(flags));
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  AUGSTORE_ASSIGN(const Json result, Measure(flags, scratch->path()));
  return Report(result, report);
}

}  // namespace augstore
