#include "tools/compare/compare.h"

#include <fmt/format.h>

#include <utility>

namespace augstore {

std::vector<double> PlainAccuracy(const CompareRow& row) {
  std::vector<double> out;
  for (const auto& tests : row.accuracy) out.push_back(tests[0]);
  return out;
}

std::vector<double> ShiftedAccuracy(const CompareExperiment& experiment, const CompareRow& row) {
  std::vector<double> out;
  for (const auto& tests : row.accuracy) {
    double sum = 0;
    for (const size_t op : experiment.ops) sum += tests[1 + op];
    out.push_back(sum / static_cast<double>(experiment.ops.size()));
  }
  return out;
}

std::vector<RowSummary> SummariseRows(const CompareResult& result,
                                      const CompareExperiment& experiment) {
  const auto shifted = [&](const CompareRow& row) { return ShiftedAccuracy(experiment, row); };
  std::vector<RowSummary> out;
  for (const CompareRow& row : experiment.rows) {
    RowSummary summary{Summarise(PlainAccuracy(row)), Summarise(shifted(row)), std::nullopt};
    if (!result.flags.no_pixel && row.mode != "none" && row.mode != "pixel") {
      summary.gap = MeasureGap(shifted(experiment.rows.front()), shifted(row),
                               shifted(experiment.rows.back()));
    }
    out.push_back(std::move(summary));
  }
  return out;
}

std::string OpsText(const CompareResult& result, const CompareExperiment& experiment) {
  std::string text;
  for (const size_t op : experiment.ops) text += (text.empty() ? "" : ", ") + result.flags.ops[op];
  return text;
}

std::string ModeText(const std::string& mode) {
  if (mode == "none") return "no augmentation";
  if (mode == "pixel") return "pixel space";
  return "embedding space, " + mode;
}

std::string R2Text(const CardEntry& entry) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", entry.r2, entry.r2_low, entry.r2_high);
}

}  // namespace augstore
