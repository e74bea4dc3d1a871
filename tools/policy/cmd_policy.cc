// augstore policy search: which augmentation helps heads on this collection, if any does?
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"
#include "tools/commands.h"
#include "tools/head/head_predictor.h"
#include "tools/policy/policy_candidates.h"
#include "tools/policy/policy_report.h"
#include "tools/policy/policy_search.h"

namespace augstore {
namespace {

constexpr const char* kTestSplit = "test";

// Choosing by the test samples would spoil every later test on them.
Status CheckSplits(const Versioned<CollectionRecord>& collection, const PolicyRunsOptions& runs) {
  AUGSTORE_TRY(CheckSplit(collection, "--split", runs.spec.split));
  AUGSTORE_TRY(CheckSplit(collection, "--validation-split", runs.validation_split));
  if (runs.spec.split == kTestSplit || runs.validation_split == kTestSplit) {
    return InvalidArgument(
        "a policy that was chosen with split 'test' cannot be tested on it any more: search on "
        "another split, such as --split train (a part of it is held out to validate on)");
  }
  if (runs.spec.split.empty() && CheckSplit(collection, "--split", kTestSplit).ok()) {
    return InvalidArgument(
        "--split '' takes all samples, those of split 'test' too, which must stay unseen: name "
        "one split");
  }
  if (runs.validation_split.empty() || runs.validation_split != runs.spec.split) return OkStatus();
  return InvalidArgument(
      "--validation-split {} is what heads train on: leave it out, and a part of the split is held "
      "out",
      runs.validation_split);
}

// Runs the search with one progress line over all rounds.
Result<PolicySearchResult> Search(const std::vector<PolicyCandidate>& candidates,
                                  const PolicySearchFlags& flags, PolicyRuns& runs,
                                  double* seconds) {
  AUGSTORE_ASSIGN(const std::vector<PolicyRound> plan, PlanPolicySearch(candidates, flags.search));
  std::vector<uint64_t> before = {0};  // rows that the rounds before take at most
  for (const PolicyRound& round : plan)
    before.push_back(before.back() + round.head_epochs * runs.split_samples());
  Progress progress("policy search", "samples", before.back(), !flags.common.quiet);
  uint64_t done = 0;
  const auto train = [&](const PolicyTrainRequest& request) {
    done = std::max(done, before[request.round]);
    const std::string note =
        fmt::format("round {}/{}, {}", request.round + 1, plan.size(), request.candidate->policy);
    return runs.Train(request, [&](uint64_t rows) { progress.Update(done += rows, note); });
  };
  Result<PolicySearchResult> result = SearchPolicies(candidates, flags.search, train);
  *seconds = progress.seconds();
  if (!result.ok() && Interrupted())
    return InterruptedStatus("a search stores nothing: run it again, or with a smaller --budget");
  return result;
}

Status RunSearch(PolicySearchFlags flags) {
  AUGSTORE_TRY(ParseArch(flags.runs.trainer.arch));
  AUGSTORE_TRY(HeadGrid(flags.runs.learning_rates, {flags.runs.weight_decay}, {flags.seed}, 0));
  flags.search.learning_rates = static_cast<uint32_t>(flags.runs.learning_rates.size());
  flags.search.first_seed = flags.runs.seed = flags.seed;
  if (flags.runs.validation_policy == "identity") flags.runs.validation_views = 1;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags.runs.spec.collection));
  AUGSTORE_TRY(CheckSplits(collection, flags.runs));
  flags.runs.spec.collection = collection.ref();  // one version, whatever is committed meanwhile
  AUGSTORE_ASSIGN(const std::vector<PolicyCandidate> candidates,
                  PolicyCandidates(client, collection, flags));
  AUGSTORE_TRY(PlanPolicySearch(candidates, flags.search));
  AUGSTORE_ASSIGN(const auto runs, PolicyRuns::Open(&client, flags.runs));
  PolicySearchReport report{.collection = collection.ref(),
                            .split_samples = runs->split_samples(),
                            .validation_samples = runs->validation_samples(),
                            .result = {}};
  AUGSTORE_ASSIGN(report.result, Search(candidates, flags, *runs, &report.seconds));
  if (flags.common.json)
    PrintJson(PolicySearchJson(flags, report));
  else
    fmt::print("{}", PolicySearchText(flags, report));
  return OkStatus();
}

void AddDataFlags(Command* command, PolicySearchFlags* flags) {
  PolicyRunsOptions& runs = flags->runs;
  command
      ->AddFlag("--collection", &runs.spec.collection, "Collection, such as cifar10 or cifar10@2")
      .Required();
  runs.spec.split = "train";
  command->AddFlag("--split", &runs.spec.split, "Split to train and validate on");
  command->AddFlag("--label-column", &runs.spec.label_column, "Label column (default: the first)");
  command->AddFlag("--validation", &runs.fraction, "Part of each class that is held out")
      .Range(0.01, 0.9);
  command->AddFlag("--validation-split", &runs.validation_split,
                   "Validate on this split instead of a part of --split");
  runs.validation_views = 4;
  command->AddFlag("--validate-with", &runs.validation_policy,
                   "Policy that validation samples are shown through, where such images are to be "
                   "expected and --validation-split has none (it flatters policies with the same "
                   "transforms)");
  command
      ->AddFlag("--validation-views", &runs.validation_views,
                "Draws of --validate-with for each validation sample")
      .Range(1u, 64u);
}

void AddCandidateFlags(Command* command, PolicySearchFlags* flags) {
  command->AddFlag("--candidates", &flags->candidates,
                   "Policies separated by ';'; may be given several times");
  command->AddFlag(
      "--transforms", &flags->transforms,
      "Make policies from these transforms (default without --candidates: of each name "
      "@champion, or else the best version proven for the backbone)");
  command->AddFlag("--draw-errors", &flags->draw_errors, "Policies from transforms draw errors (~)")
      .Choices({"no", "yes", "both"});
  command->AddFlag("--pairs", &flags->pairs, "Maximum number of policies of two transforms");
  command
      ->AddFlag("--views", &flags->views,
                "Passes of one epoch, each with new draws; several numbers: try every policy with "
                "each")
      .Range(1u, 64u);
}

void AddTrainingFlags(Command* command, PolicySearchFlags* flags) {
  command
      ->AddFlag("--budget", &flags->search.budget,
                "Head epochs to spend: epochs x heads over everything trained (default: early "
                "rounds train fully, with fewer seeds)")
      .Positive();
  command->AddFlag("--seeds", &flags->search.seeds, "Seeds of each policy in the last round")
      .Range(2u, 1000u);
  command->AddFlag("--epochs", &flags->search.epochs, "Epochs of each head in the last round")
      .Range(1u, 1u << 20);
  command->AddFlag("--keep", &flags->search.keep, "Keep 1 in N policies per round").Range(2u, 256u);
  command->AddFlag("--seed", &flags->seed,
                   "Seed of the held-out part, and the first of the heads' seeds");
  PolicyRunsOptions& runs = flags->runs;
  command->AddFlag("--batch-size", &runs.spec.batch_size, "Samples of one step");
  command->AddFlag("--arch", &runs.trainer.arch, "linear, or mlp(<widths>)");
  runs.learning_rates = {1e-3};
  command->AddFlag("--lr", &runs.learning_rates,
                   "Learning rate, or several, of which each policy gets its best");
  command->AddFlag("--weight-decay", &runs.weight_decay, "Weight decay");
  command->AddFlag("--optimizer", &runs.trainer.optimizer, "Optimizer").Choices({"adamw", "sgd"});
}

void AddFlags(Command* command, PolicySearchFlags* flags) {
  AddDataFlags(command, flags);
  AddCandidateFlags(command, flags);
  AddTrainingFlags(command, flags);
}

}  // namespace

void AddPolicyCommands(Command* app) {
  AddCommand<PolicySearchFlags>(
      app->AddGroup("policy", "Choose how to augment"), "search",
      "Find the policy whose heads do best on held-out samples, if any helps",
      "augstore policy search --store db --collection cifar10 --transforms vflip,rotate15\n"
      "  augstore policy search --store db --collection cifar10 --budget 600 \\\n"
      "      --candidates 'identity:1,vflip:1;identity:1,rotate15:1'\n\n"
      "No augmentation (identity) is always among the policies, and is what the others are "
      "compared with: on the\nsame validation samples, seeds and order of training samples. The "
      "split 'test' is never looked at.",
      AddFlags, RunSearch);
}

}  // namespace augstore
