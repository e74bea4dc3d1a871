// augstore bench: how fast everything is, as ratios to ceilings and baselines.
#include <algorithm>

#include "tools/bench/bench_parts.h"

namespace augstore {
namespace {

struct Part {
  const char* name;
  Status (*run)(const BenchFlags&, BenchReport*);
};

constexpr Part kParts[] = {
    {"engine", BenchEngine}, {"store", BenchStore},   {"serve", BenchServe},
    {"heads", BenchHeads},   {"ingest", BenchIngest}, {"scale", BenchScale},
    {"commit", BenchCommit}, {"paper", BenchPaper},   {"python", BenchPython}};

std::vector<std::string> PartNames() {
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  return names;
}

Status Bench(BenchFlags flags) {
  if (flags.repeat == 0) flags.repeat = flags.quick ? 3 : 5;
  if (flags.seconds == 0) flags.seconds = flags.quick ? 0.04 : 0.2;
  BenchReport report;
  for (const Part& part : kParts) {
    const auto& chosen = flags.parts;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), part.name) == chosen.end()) {
      continue;
    }
    if (!flags.quiet) std::fprintf(stderr, "bench: %s\n", part.name);
    const size_t printed = report.tables.size();
    const Status measured = part.run(flags, &report).WithContext(part.name);
    // Without a choice of parts, those that this machine cannot measure are left out.
    if (measured.code() == Code::kNotFound && chosen.empty()) {
      std::fprintf(stderr, "bench: left out: %s\n", measured.message().c_str());
      continue;
    }
    AUGSTORE_TRY(measured);
    if (flags.json) continue;
    for (size_t t = printed; t < report.tables.size(); ++t) {
      fmt::print("{}\n", TableText(report.tables[t]));
    }
    std::fflush(stdout);
  }
  if (flags.json)
    PrintJson(BenchJson(flags, report));
  else
    fmt::print("{}", TargetsText(report.targets));
  return OkStatus();
}

void AddFlags(Command* command, BenchFlags* flags) {
  flags->backbone = AUGSTORE_DEMO_BACKBONE;
  command
      ->AddFlag("part", &flags->parts,
                "What to measure (default: all): engine, store, serve, heads, ingest, scale, "
                "commit, paper, python")
      .Choices(PartNames());
  command->AddFlag("--quick", &flags->quick,
                   "Fewer sizes, rows and repetitions: a minute for all parts");
  command->AddFlag("--json", &flags->json, "Print the result as JSON (keys: docs/cli.md)");
  command->AddFlag("--quiet", &flags->quiet, "No progress on standard error");
  command
      ->AddFlag("--repeat", &flags->repeat,
                "Repetitions, of which the median is taken (default: 5; quick: 3)")
      .Range(1, 1000);
  command
      ->AddFlag("--seconds", &flags->seconds,
                "Least time of a repetition (default: 0.2; quick: 0.04)")
      .Range(0.0001, 60.0);
  command
      ->AddFlag("--scale", &flags->scale,
                "Multiplies the numbers of rows and images; targets are meant for 1")
      .Range(0.0001, 100.0);
  command->AddFlag("--dim", &flags->dim, "Dimension of the synthetic embeddings").Range(8, 8192);
  command->AddFlag("--seed", &flags->seed, "Seed of synthetic data and orders");
  command->AddFlag("--scratch", &flags->scratch,
                   "Folder for scratch stores, removed at the end (default: the system's "
                   "temporary folder)");
  command->AddFlag("--program", &flags->program,
                   "augstore program to start as the server (default: this one)");
  command
      ->AddFlag("--backbone", &flags->backbone,
                "TorchScript file of Φ, for ingest and paper (default: the demo's)")
      .Env("AUGSTORE_BACKBONE");
  command->AddFlag("--images", &flags->images,
                   "Images for ingest and paper (default: synthetic ones)");
  command->AddFlag("--python", &flags->python, "Python with numpy and torch, for python");
  command->AddFlag("--python-client", &flags->python_client,
                   "Folder client/python of the sources, for python (default: of those that "
                   "this program was built from)");
}

}  // namespace

void AddBenchCommand(Command* app) {
  AddCommand<BenchFlags>(
      app, "bench", "Measure the machine's ceilings, augstore and baselines side by side",
      "augstore bench --quick\n  augstore bench engine store --json", AddFlags, Bench);
}

}  // namespace augstore
