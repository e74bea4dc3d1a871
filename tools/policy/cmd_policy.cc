// augstore policy search: which augmentation helps heads on this collection, if any does?
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"
#include "tools/commands.h"
#include "tools/head/head_predictor.h"
#include "tools/policy/policy_candidates.h"

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

std::string PolicyText(const PolicyCandidate& candidate) {
  if (candidate.views == 1) return candidate.policy;
  return fmt::format("{}, {} views", candidate.policy, candidate.views);
}

std::string DifferenceText(const RankedPolicy& entry) {
  const PolicyDifference& d = entry.difference;
  if (entry.verdict == PolicyVerdict::kBaseline && d.mean == 0) return "";
  if (std::isnan(d.low)) return fmt::format("{:+.2f}", 100 * d.mean);
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * d.mean, 100 * d.low, 100 * d.high);
}

Json NumberOrNull(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

std::string RecommendationText(const PolicySearchFlags& flags, const RankedPolicy& best) {
  if (best.verdict == PolicyVerdict::kBaseline) {
    return fmt::format(
        "recommended: {} (no policy is better than no augmentation beyond what chance explains)\n",
        PolicyText(best.candidate));
  }
  return fmt::format(
      "recommended: {}\ntest it once, on samples that it was not chosen by: augstore head train "
      "--collection {} --split '{}' --policy '{}' --arch '{}' --optimizer {} --epochs {} "
      "--batch-size {} --lr {} --weight-decay {}\n",
      PolicyText(best.candidate), flags.runs.spec.collection, flags.runs.spec.split,
      best.candidate.policy, flags.runs.trainer.arch, flags.runs.trainer.optimizer,
      best.epochs * best.candidate.views, flags.runs.spec.batch_size,
      flags.runs.learning_rates[best.learning_rate], flags.runs.weight_decay);
}

Json RankingJson(const PolicySearchFlags& flags, const PolicySearchResult& result) {
  Json list = Json::array();
  for (size_t i = 0; i < result.ranking.size(); ++i) {
    const RankedPolicy& entry = result.ranking[i];
    list.push_back({{"rank", i + 1},
                    {"policy", entry.candidate.policy},
                    {"views", entry.candidate.views},
                    {"accuracy", entry.accuracy.mean},
                    {"sd", entry.accuracy.sd},
                    {"difference", entry.difference.mean},
                    {"low", NumberOrNull(entry.difference.low)},
                    {"high", NumberOrNull(entry.difference.high)},
                    {"verdict", PolicyVerdictName(entry.verdict)},
                    {"rounds", entry.rounds},
                    {"seeds", entry.seeds},
                    {"epochs", entry.epochs},
                    {"lr", flags.runs.learning_rates[entry.learning_rate]},
                    {"multiply_adds", entry.candidate.cost}});
  }
  return list;
}

std::string SearchText(const PolicySearchFlags& flags, const PolicyRuns& runs,
                       const PolicySearchResult& result, double seconds) {
  Table table({"rank", "policy", "accuracy %", "sd", "difference to identity", "rounds", "lr",
               "multiply-adds", "verdict"});
  for (size_t i = 0; i < result.ranking.size(); ++i) {
    const RankedPolicy& entry = result.ranking[i];
    table.Row({std::to_string(i + 1), PolicyText(entry.candidate),
               fmt::format("{:.2f}", 100 * entry.accuracy.mean),
               entry.seeds > 1 ? fmt::format("{:.2f}", 100 * entry.accuracy.sd) : "-",
               DifferenceText(entry), std::to_string(entry.rounds),
               fmt::format("{}", flags.runs.learning_rates[entry.learning_rate]),
               entry.candidate.cost > 0 ? HumanCount(entry.candidate.cost) : "0",
               std::string(PolicyVerdictName(entry.verdict))});
  }
  std::string text = table.ToString() + "\n";
  for (size_t r = 0; r < result.rounds.size(); ++r) {
    const PolicyRound& round = result.rounds[r];
    text += fmt::format("round {}: {} policies and identity, {} seeds, {} epochs\n", r + 1,
                        round.candidates, round.seeds, round.epochs);
  }
  text += fmt::format(
      "{} head epochs in {:.1f} s; {} validation samples of {}, shown through {}\n"
      "intervals: 95 % for all differences of a round together, over seeds and validation "
      "samples\n",
      result.head_epochs, seconds, runs.validation_samples(), flags.runs.spec.collection,
      flags.runs.validation_policy);
  return text + RecommendationText(flags, result.ranking[result.recommended]);
}

Json SearchJson(const PolicySearchFlags& flags, const PolicyRuns& runs,
                const PolicySearchResult& result, double seconds) {
  Json rounds = Json::array();
  for (const PolicyRound& round : result.rounds) {
    rounds.push_back({{"candidates", round.candidates},
                      {"seeds", round.seeds},
                      {"epochs", round.epochs},
                      {"head_epochs", round.head_epochs}});
  }
  const RankedPolicy& best = result.ranking[result.recommended];
  const PolicyRunsOptions& asked = flags.runs;
  return {{"collection", asked.spec.collection},
          {"split", asked.spec.split},
          {"split_samples", runs.split_samples()},
          {"validation",
           {{"split", asked.validation_split.empty() ? asked.spec.split : asked.validation_split},
            {"samples", runs.validation_samples()},
            {"policy", asked.validation_policy},
            {"views", asked.validation_views}}},
          {"recommended", {{"policy", best.candidate.policy}, {"views", best.candidate.views}}},
          {"ranking", RankingJson(flags, result)},
          {"rounds", rounds},
          {"arch", asked.trainer.arch},
          {"optimizer", asked.trainer.optimizer},
          {"lr", asked.learning_rates},
          {"weight_decay", asked.weight_decay},
          {"batch_size", asked.spec.batch_size},
          {"seed", asked.seed},
          {"budget", flags.search.budget == 0 ? Json(nullptr) : Json(flags.search.budget)},
          {"head_epochs", result.head_epochs},
          {"seconds", seconds}};
}

Status RunSearch(PolicySearchFlags flags) {
  AUGSTORE_TRY(ParseArch(flags.runs.trainer.arch));
  AUGSTORE_TRY(
      HeadGrid(flags.runs.learning_rates, {flags.runs.weight_decay}, {flags.runs.seed}, 0));
  flags.search.learning_rates = static_cast<uint32_t>(flags.runs.learning_rates.size());
  flags.search.first_seed = flags.runs.seed;
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
  double seconds = 0;
  AUGSTORE_ASSIGN(const PolicySearchResult result, Search(candidates, flags, *runs, &seconds));
  Emit(flags.common, SearchJson(flags, *runs, result, seconds),
       SearchText(flags, *runs, result, seconds));
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
  command
      ->AddFlag("--transforms", &flags->transforms,
                "Make policies from these transforms (default without --candidates: of each name "
                "@champion, or else the best version proven for the backbone)")
      .Commas();
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
  command->AddFlag("--seed", &flags->runs.seed,
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
