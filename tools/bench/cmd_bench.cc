// augstore bench: how fast everything is, as ratios to ceilings and baselines.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/bench/bench_parts.h"

namespace augstore {
namespace {

struct Part {
  const char* name;
  Status (*run)(const BenchFlags&, BenchReport*);
};

constexpr Part kParts[] = {{"engine", BenchEngine}, {"store", BenchStore},   {"serve", BenchServe},
                           {"heads", BenchHeads},   {"ingest", BenchIngest}, {"scale", BenchScale},
                           {"paper", BenchPaper},   {"python", BenchPython}};

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

}  // namespace

void AddBenchCommand(CLI::App* app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = AddCommand(
      app, "bench", "Measure the machine's ceilings, augstore and baselines side by side",
      "augstore bench --quick\n  augstore bench engine store --json",
      [flags] { return Bench(*flags); });
  command
      ->add_option("part", flags->parts,
                   "What to measure (default: all): engine, store, serve, heads, ingest, scale, "
                   "paper, python")
      ->check(CLI::IsMember(PartNames()));
  command->add_flag("--quick", flags->quick,
                    "Fewer sizes, rows and repetitions: a minute for all parts");
  command->add_flag("--json", flags->json, "Print the result as JSON (keys: docs/cli.md)");
  command->add_flag("--quiet", flags->quiet, "No progress on standard error");
  command
      ->add_option("--repeat", flags->repeat,
                   "Repetitions, of which the median is taken (default: 5; quick: 3)")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--seconds", flags->seconds,
                   "Least time of a repetition (default: 0.2; quick: 0.04)")
      ->check(CLI::Range(0.0001, 60.0));
  command
      ->add_option("--scale", flags->scale,
                   "Multiplies the numbers of rows and images; targets are meant for 1")
      ->check(CLI::Range(0.0001, 100.0))
      ->capture_default_str();
  command->add_option("--dim", flags->dim, "Dimension of the synthetic embeddings")
      ->check(CLI::Range(8, 8192))
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "Of synthetic data and orders")->capture_default_str();
  command->add_option("--scratch", flags->scratch,
                      "Folder for scratch stores, removed at the end (default: the system's "
                      "temporary folder)");
  command->add_option("--program", flags->program,
                      "augstore program to start as the server (default: this one)");
  command
      ->add_option("--backbone", flags->backbone,
                   "TorchScript file of Φ, for ingest and paper [AUGSTORE_BACKBONE]")
      ->envname("AUGSTORE_BACKBONE")
      ->default_val(AUGSTORE_DEMO_BACKBONE);
  command->add_option("--images", flags->images,
                      "Images for ingest and paper (default: synthetic images)");
  command->add_option("--python", flags->python, "Python with numpy and torch, for python")
      ->capture_default_str();
  command->add_option("--python-client", flags->python_client,
                      "Folder client/python of the sources, for python (default: of those that "
                      "this program was built from)");
}

}  // namespace augstore
