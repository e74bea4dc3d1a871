// What a comparison prints.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"
#include "tools/compare/compare.h"

namespace augstore {
namespace {

std::string Percent(const MeanSd& value) {
  return fmt::format("{:.1f} ± {:.1f}", 100 * value.mean, 100 * value.sd);
}

std::string ModeText(const std::string& mode) {
  if (mode == "none") return "no augmentation";
  if (mode == "pixel") return "pixel space";
  return "embedding space, " + mode;
}

struct RowSummary {
  MeanSd plain;
  MeanSd shifted;
  double gap_closed = std::nan("");  // on the shifted tests
};

std::vector<RowSummary> SummariseRows(const CompareResult& result,
                                      const CompareExperiment& experiment) {
  std::vector<RowSummary> out;
  for (const CompareRow& row : experiment.rows) {
    out.push_back({Summarise(PlainAccuracy(row)), Summarise(ShiftedAccuracy(experiment, row))});
  }
  if (result.flags.no_pixel) return out;
  for (size_t i = 1; i + 1 < out.size(); ++i) {
    out[i].gap_closed = GapClosed(out.front().shifted, out[i].shifted, out.back().shifted);
  }
  return out;
}

std::string ExperimentTable(const CompareResult& result, const CompareExperiment& experiment) {
  Table table({"heads trained with", "plain test %", "shifted test %", "gap closed", "train s",
               "samples/s", "Φ calls"});
  const std::vector<RowSummary> rows = SummariseRows(result, experiment);
  for (size_t i = 0; i < rows.size(); ++i) {
    const CompareRow& row = experiment.rows[i];
    const bool embedded = i > 0 && row.mode != "pixel";
    const std::string gap = !embedded ? "-"
                            : std::isnan(rows[i].gap_closed)
                                ? "no gap"
                                : fmt::format("{:.0f} %", 100 * rows[i].gap_closed);
    table.Row({ModeText(row.mode), Percent(rows[i].plain), Percent(rows[i].shifted), gap,
               fmt::format("{:.2f}", row.seconds),
               HumanCount(static_cast<double>(row.samples) / row.seconds),
               std::to_string(row.phi_calls)});
  }
  return table.ToString();
}

std::string CostText(const CompareResult& result, const CompareCost& cost) {
  std::string text = fmt::format(
      "cost of pixel space over embedding space: {:.1f}x predicted (Eq. 8, counted multiply-adds: "
      "Φ {}, Ω {}, training Ψ "
      "{} a row)",
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
  Table table({"transform", "op", "family", "G held-out", "G test images", "cos before",
               "cos after", "multiply-adds", "fit s"});
  for (const CompareTransform& transform : result.transforms) {
    const CardEntry& held_out = transform.card.entries.at(0);
    const CardEntry& test = transform.card.entries.at(1);
    table.Row({transform.ref, transform.op, transform.family, fmt::format("{:.3f}", held_out.r2),
               fmt::format("{:.3f}", test.r2), fmt::format("{:.3f}", test.cosine_before),
               fmt::format("{:.3f}", test.cosine_after),
               HumanCount(static_cast<double>(transform.card.multiply_adds)),
               fmt::format("{:.1f}", transform.card.train_seconds)});
  }
  return table.ToString();
}

Json RowJson(const CompareRow& row, const RowSummary& summary, const std::vector<double>& shifted) {
  Json json = {
      {"mode", row.mode},
      {"policy", row.policy},
      {"plain",
       {{"mean", summary.plain.mean}, {"sd", summary.plain.sd}, {"seeds", PlainAccuracy(row)}}},
      {"shifted", {{"mean", summary.shifted.mean}, {"sd", summary.shifted.sd}, {"seeds", shifted}}},
      {"gap_closed", nullptr},
      {"train_seconds", row.seconds},
      {"samples", row.samples},
      {"samples_per_second", static_cast<double>(row.samples) / row.seconds},
      {"phi_calls", row.phi_calls}};
  if (!std::isnan(summary.gap_closed)) json["gap_closed"] = summary.gap_closed;
  return json;
}

}  // namespace

std::string CompareText(const CompareResult& result) {
  std::string text = fmt::format(
      "{} training images, {} test images, {} epochs of batches of {}, heads {}, {} seeds (mean ± "
      "sd)\n"
      "G: displacement R² of the transform; 0: as good as doing nothing, 1: perfect\n\n{}",
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
    transforms.push_back({{"ref", transform.ref},
                          {"op", transform.op},
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
      const CompareRow& row = experiment.rows[r];
      rows.push_back(RowJson(row, summaries[r], ShiftedAccuracy(experiment, row)));
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
