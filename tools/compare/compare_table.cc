#include "tools/compare/compare_table.h"

#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

std::string ExperimentTable(const CompareResult& result, const CompareExperiment& experiment) {
  Table table({"heads trained with", "plain test %", "shifted test %", "gap closed", "train s",
               "samples/s", "Φ calls"});
  const std::vector<RowSummary> rows = SummariseRows(result, experiment);
  for (size_t i = 0; i < rows.size(); ++i) {
    const CompareRow& row = experiment.rows[i];
    table.Row({ModeText(row.mode), PercentText(rows[i].plain), PercentText(rows[i].shifted),
               rows[i].gap ? GapText(*rows[i].gap) : "-", fmt::format("{:.2f}", row.seconds),
               HumanCount(static_cast<double>(row.samples) / row.seconds),
               std::to_string(row.phi_calls)});
  }
  return table.ToString();
}

std::string CostText(const CompareResult& result, const CompareCost& cost) {
  std::string text = fmt::format(
      "cost of pixel space over embedding space: {:.1f}x predicted (Eq. 8, counted multiply-adds: "
      "Φ {}, Ω {}, training Ψ {} a row)",
      cost.predicted, HumanCount(static_cast<double>(cost.phi)), HumanCount(cost.omega),
      HumanCount(static_cast<double>(cost.psi)));
  if (!result.flags.no_pixel) {
    text += fmt::format(
        ", {:.1f}x measured (with the {:.2f} s of embedding the {} images once, without fitting Ω, "
        "which serves all later heads)",
        cost.measured, result.ingest_seconds, result.train_samples);
  }
  return text + "\n";
}

std::string TransformsTable(const CompareResult& result) {
  Table table({"op", "family", "G held-out", "G test images", "cos before", "cos after",
               "multiply-adds", "fit s"});
  for (const CompareTransform& transform : result.transforms) {
    const CardEntry& held_out = transform.card.entries.at(0);
    const CardEntry& test = transform.card.entries.at(1);
    table.Row({transform.op, transform.family, fmt::format("{:.3f}", held_out.r2),
               fmt::format("{:.3f}", test.r2), fmt::format("{:.3f}", test.cosine_before),
               fmt::format("{:.3f}", test.cosine_after),
               HumanCount(static_cast<double>(transform.card.multiply_adds)),
               fmt::format("{:.1f}", transform.card.train_seconds)});
  }
  return table.ToString();
}

Json AccuracyJson(const MeanSd& value, const std::vector<double>& seeds) {
  return {{"mean", value.mean}, {"sd", value.sd}, {"seeds", seeds}};
}

Json RowJson(const CompareExperiment& experiment, const CompareRow& row,
             const RowSummary& summary) {
  const bool gap = summary.gap && summary.gap->significant;
  return {{"mode", row.mode},
          {"policy", row.policy},
          {"plain", AccuracyJson(summary.plain, PlainAccuracy(row))},
          {"shifted", AccuracyJson(summary.shifted, ShiftedAccuracy(experiment, row))},
          {"gap_closed", gap ? Json(summary.gap->closed) : Json()},
          {"gap_closed_low", gap ? Json(summary.gap->low) : Json()},
          {"gap_closed_high", gap ? Json(summary.gap->high) : Json()},
          {"train_seconds", row.seconds},
          {"samples", row.samples},
          {"samples_per_second", static_cast<double>(row.samples) / row.seconds},
          {"phi_calls", row.phi_calls}};
}

}  // namespace

std::string CompareText(const CompareResult& result) {
  std::string text = fmt::format(
      "{} training images, {} test images, {} epochs of batches of {}, heads {}, {} seeds (mean ± "
      "sd)\nG: displacement R² of the transform; 0: as good as doing nothing, 1: perfect\ngap "
      "closed: (row - no augmentation) / (pixel space - no augmentation) on the shifted test, with "
      "its 95 % interval over seeds\n\n{}",
      result.train_samples, result.test_samples, result.flags.epochs, result.flags.batch_size,
      result.flags.arch, result.flags.seeds, TransformsTable(result));
  for (size_t i = 0; i < result.experiments.size(); ++i) {
    const CompareExperiment& experiment = result.experiments[i];
    text +=
        fmt::format("\naugmented by {}; shifted test: the test images under {}\n{}",
                    OpsText(result, experiment), experiment.ops.size() > 1 ? "each of them" : "it",
                    ExperimentTable(result, experiment));
    text += CostText(result, result.costs[i]);
  }
  return text;
}

Json CompareJson(const CompareResult& result) {
  Json transforms = Json::array();
  for (const CompareTransform& transform : result.transforms) {
    transforms.push_back({{"op", transform.op},
                          {"family", transform.family},
                          {"r2_held_out", transform.card.entries.at(0).r2},
                          {"r2_test", transform.card.entries.at(1).r2},
                          {"multiply_adds", transform.card.multiply_adds},
                          {"train_seconds", transform.card.train_seconds}});
  }
  Json experiments = Json::array();
  for (size_t i = 0; i < result.experiments.size(); ++i) {
    const CompareExperiment& experiment = result.experiments[i];
    const std::vector<RowSummary> summaries = SummariseRows(result, experiment);
    Json rows = Json::array();
    for (size_t r = 0; r < summaries.size(); ++r) {
      rows.push_back(RowJson(experiment, experiment.rows[r], summaries[r]));
    }
    const CompareCost& cost = result.costs[i];
    experiments.push_back({{"ops", OpsText(result, experiment)},
                           {"rows", rows},
                           {"cost",
                            {{"phi_multiply_adds", cost.phi},
                             {"omega_multiply_adds", cost.omega},
                             {"psi_multiply_adds", cost.psi},
                             {"predicted_saving", cost.predicted},
                             {"measured_saving", cost.measured}}}});
  }
  return {{"train_samples", result.train_samples},
          {"test_samples", result.test_samples},
          {"epochs", result.flags.epochs},
          {"batch_size", result.flags.batch_size},
          {"arch", result.flags.arch},
          {"seeds", result.flags.seeds},
          {"ingest_seconds", result.ingest_seconds},
          {"transforms", transforms},
          {"experiments", experiments}};
}

}  // namespace augstore
