// The report of a comparison: one page, no scripts, nothing fetched.
#include <cmath>

#include "tools/cli/progress.h"
#include "tools/compare/compare.h"
#include "tools/compare/report_svg.h"

namespace augstore {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; } th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; }
th { text-align: left; font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #333; }
svg .title { font-size: 13px; font-weight: 600; } svg .mid { text-anchor: middle; } svg .end { text-anchor: end; }
svg .grid { stroke: #e5e5e5; } svg .axis { stroke: #888; } .note { color: #555; max-width: 60rem; }
)";

std::string ModeName(const std::string& mode) {
  if (mode == "none") return "no augmentation";
  if (mode == "pixel") return "pixel space";
  return "embedding (" + mode + ")";
}

std::string Cell(const std::string& text) {
  return "<td class=\"n\">" + EscapeHtml(text) + "</td>";
}

std::string Accuracy(const MeanSd& value) {
  return fmt::format("{:.1f} ± {:.1f}", 100 * value.mean, 100 * value.sd);
}

std::string RowsTable(const CompareResult& result, const CompareExperiment& experiment) {
  std::string html =
      "<table><tr><th>heads trained with</th><th>plain test %</th><th>shifted test %</th><th>gap "
      "closed</th>"
      "<th>training s</th><th>samples/s</th><th>Φ calls</th></tr>\n";
  const MeanSd none = Summarise(ShiftedAccuracy(experiment, experiment.rows.front()));
  const MeanSd pixel = Summarise(ShiftedAccuracy(experiment, experiment.rows.back()));
  for (const CompareRow& row : experiment.rows) {
    const MeanSd shifted = Summarise(ShiftedAccuracy(experiment, row));
    std::string gap = "–";
    if (!result.flags.no_pixel && row.mode != "none" && row.mode != "pixel") {
      const double closed = GapClosed(none, shifted, pixel);
      gap = std::isnan(closed) ? "no gap" : fmt::format("{:.0f} %", 100 * closed);
    }
    html += "<tr><td>" + EscapeHtml(ModeName(row.mode)) + "</td>" +
            Cell(Accuracy(Summarise(PlainAccuracy(row)))) + Cell(Accuracy(shifted)) + Cell(gap) +
            Cell(fmt::format("{:.2f}", row.seconds)) +
            Cell(HumanCount(static_cast<double>(row.samples) / row.seconds)) +
            Cell(std::to_string(row.phi_calls)) + "</tr>\n";
  }
  return html + "</table>\n";
}

// Mean accuracy over seeds after each tested epoch; `shifted`: averaged over the experiment's ops.
std::string Curves(const CompareExperiment& experiment, bool shifted) {
  std::vector<Series> series;
  for (const CompareRow& row : experiment.rows) {
    Series line{ModeName(row.mode), {}, {}};
    for (size_t epoch = 0; epoch < row.curve.size(); ++epoch) {
      if (row.curve[epoch].empty()) continue;
      double value = row.curve[epoch][0];
      if (shifted) {
        value = 0;
        for (const size_t op : experiment.ops) value += row.curve[epoch][1 + op];
        value /= static_cast<double>(experiment.ops.size());
      }
      line.x.push_back(static_cast<double>(epoch + 1));
      line.y.push_back(100 * value);
    }
    series.push_back(std::move(line));
  }
  return LinePlot(
      shifted ? "Accuracy on the shifted test images, %" : "Accuracy on the plain test images, %",
      "epoch", "{:.0f}", series);
}

std::string TransformPlots(const CompareResult& result) {
  std::vector<BarGroup> held_out;
  std::vector<BarGroup> test;
  for (const std::string& op : result.flags.ops) {
    held_out.push_back({op, {}});
    test.push_back({op, {}});
    for (const std::string& family : result.flags.families) {
      for (const CompareTransform& transform : result.transforms) {
        if (transform.op != op || transform.family != family) continue;
        held_out.back().values.push_back(transform.card.entries.at(0).r2);
        test.back().values.push_back(transform.card.entries.at(1).r2);
      }
    }
  }
  return "<div class=\"plots\">" +
         BarPlot("Displacement R² (G), held-out pairs", "{:.2f}", result.flags.families, held_out) +
         BarPlot("Displacement R² (G), test images", "{:.2f}", result.flags.families, test) +
         "</div>\n";
}

std::string CardsTable(const CompareResult& result) {
  std::string html =
      "<table><tr><th>transform</th><th>family</th><th>G held-out</th><th>G test "
      "images</th><th>MSE</th><th>MSE of "
      "identity</th><th>cos(z, z′)</th><th>cos(Ω(z), "
      "z′)</th><th>dispersion</th><th>multiply-adds</th><th>fit "
      "s</th></tr>\n";
  for (const CompareTransform& transform : result.transforms) {
    const CardEntry& held_out = transform.card.entries.at(0);
    html += "<tr><td>" + EscapeHtml(transform.ref) + "</td><td>" + EscapeHtml(transform.family) +
            "</td>" + Cell(fmt::format("{:.3f}", held_out.r2)) +
            Cell(fmt::format("{:.3f}", transform.card.entries.at(1).r2)) +
            Cell(fmt::format("{:.4f}", held_out.mse)) +
            Cell(fmt::format("{:.4f}", held_out.identity_mse)) +
            Cell(fmt::format("{:.3f}", held_out.cosine_before)) +
            Cell(fmt::format("{:.3f}", held_out.cosine_after)) +
            Cell(fmt::format("{:.2f}", held_out.dispersion)) +
            Cell(HumanCount(static_cast<double>(transform.card.multiply_adds))) +
            Cell(fmt::format("{:.1f}", transform.card.train_seconds)) + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string CostSection(const CompareResult& result, const CompareCost& cost) {
  std::string html = fmt::format(
      "<p class=\"note\">Cost of pixel space over embedding space, Eq. 8 of Abrishami et al. with "
      "counted multiply-adds "
      "(Φ {}, Ω {} a row, training Ψ {} a row): <b>{:.1f}×</b> predicted",
      HumanCount(static_cast<double>(cost.phi)), HumanCount(cost.omega),
      HumanCount(static_cast<double>(cost.psi)), cost.predicted);
  if (!result.flags.no_pixel) {
    html += fmt::format(
        ", <b>{:.1f}×</b> measured in seconds, with embedding the images once and without fitting "
        "Ω, which serves all later heads",
        cost.measured);
  }
  return html + ".</p>\n";
}

}  // namespace

std::string CompareHtml(const CompareResult& result) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>augstore: augmentation in embedding "
      "space</title><style>{}</style></head>"
      "<body>\n<h1>Augmentation in embedding space against pixel space</h1>\n"
      "<p class=\"note\">{} training images embedded once, {} test images, heads {} trained for {} "
      "epochs in batches of "
      "{}, {} seeds (mean ± standard deviation). Every way of training gets the same number of "
      "steps, the same order "
      "and the same draws. Pixel space runs Φ on every image of every epoch. The shifted test is "
      "the same test images "
      "under the ops.</p>\n",
      kStyle, result.train_samples, result.test_samples, EscapeHtml(result.flags.arch),
      result.flags.epochs, result.flags.batch_size, result.flags.seeds);
  for (size_t i = 0; i < result.experiments.size(); ++i) {
    const CompareExperiment& experiment = result.experiments[i];
    html += "<h2>Augmented by " + EscapeHtml(OpsText(result, experiment)) + "</h2>\n" +
            RowsTable(result, experiment) + CostSection(result, result.costs[i]) +
            "<div class=\"plots\">" + Curves(experiment, true) + Curves(experiment, false) +
            "</div>\n";
  }
  html +=
      "<h2>The transforms' cards</h2>\n<p class=\"note\">G = 1 − Σ‖Ω(z) − z′‖² / Σ‖z − z′‖²: the "
      "part of an "
      "augmentation's displacement that the transform explains. 0 is as good as doing nothing, 1 "
      "is perfect, below "
      "0 is harmful. Dispersion: variance of Ω(z) over that of z′.</p>\n";
  return html + CardsTable(result) + TransformPlots(result) + "</body></html>\n";
}

}  // namespace augstore
