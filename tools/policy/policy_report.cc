#include "tools/policy/policy_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

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

}  // namespace

std::string PolicySearchText(const PolicySearchFlags& flags, const PolicySearchReport& report) {
  const PolicySearchResult& result = report.result;
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
      result.head_epochs, report.seconds, report.validation_samples, report.collection,
      flags.runs.validation_policy);
  return text + RecommendationText(flags, result.ranking[result.recommended]);
}

Json PolicySearchJson(const PolicySearchFlags& flags, const PolicySearchReport& report) {
  const PolicySearchResult& result = report.result;
  Json rounds = Json::array();
  for (const PolicyRound& round : result.rounds) {
    rounds.push_back({{"candidates", round.candidates},
                      {"seeds", round.seeds},
                      {"epochs", round.epochs},
                      {"head_epochs", round.head_epochs}});
  }
  const RankedPolicy& best = result.ranking[result.recommended];
  const PolicyRunsOptions& runs = flags.runs;
  return {{"collection", report.collection},
          {"split", runs.spec.split},
          {"split_samples", report.split_samples},
          {"validation",
           {{"split", runs.validation_split.empty() ? runs.spec.split : runs.validation_split},
            {"samples", report.validation_samples},
            {"policy", runs.validation_policy},
            {"views", runs.validation_views}}},
          {"recommended", {{"policy", best.candidate.policy}, {"views", best.candidate.views}}},
          {"ranking", RankingJson(flags, result)},
          {"rounds", rounds},
          {"arch", runs.trainer.arch},
          {"optimizer", runs.trainer.optimizer},
          {"lr", runs.learning_rates},
          {"weight_decay", runs.weight_decay},
          {"batch_size", runs.spec.batch_size},
          {"seed", flags.seed},
          {"budget", flags.search.budget == 0 ? Json(nullptr) : Json(flags.search.budget)},
          {"head_epochs", result.head_epochs},
          {"seconds", report.seconds}};
}

}  // namespace augstore
