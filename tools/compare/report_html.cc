#include "tools/compare/report_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/progress.h"
#include "tools/compare/report_svg.h"

namespace augstore {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; } th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; }
th { text-align: left; font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #333; }
svg .title { font-size: 13px; font-weight: 600; } svg .mid { text-anchor: middle; } svg .end { text-anchor: end; }
svg .grid { stroke: #e5e5e5; } svg .axis { stroke: #888; } .note { color: #555; max-width: 60rem; }
)";

// A table that scrolls sideways where the page is too narrow; its first `texts` columns are texts,
// the others are numbers.
std::string HtmlTable(const std::vector<std::string>& headers, size_t texts,
                      const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class='wide'><table><tr>";
  for (const std::string& header : headers) html += "<th>" + EscapeHtml(header) + "</th>";
  html += "</tr>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      html += (i < texts ? "<td>" : "<td class='n'>") + EscapeHtml(row[i]) + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

// A way of training has one colour on the whole page.
size_t ColourOf(const CompareResult& result, const std::string& mode) {
  if (mode == "none") return 0;
  if (mode == "pixel") return 1;
  const auto found = std::ranges::find(result.flags.families, mode);
  return 2 + static_cast<size_t>(found - result.flags.families.begin());
}

std::string RowsTable(const CompareResult& result, const CompareExperiment& experiment) {
  const std::vector<RowSummary> summaries = SummariseRows(result, experiment);
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < summaries.size(); ++i) {
    const CompareRow& row = experiment.rows[i];
    rows.push_back(
        {ModeText(row.mode), PercentText(summaries[i].plain), PercentText(summaries[i].shifted),
         summaries[i].gap ? GapText(*summaries[i].gap) : "–", fmt::format("{:.2f}", row.seconds),
         HumanCount(static_cast<double>(row.samples) / row.seconds),
         std::to_string(row.phi_calls)});
  }
  return HtmlTable({"heads trained with", "plain test %", "shifted test %", "gap closed",
                    "training s", "samples/s", "Φ calls"},
                   1, rows);
}

// Mean accuracy over seeds after each tested epoch; `shifted`: averaged over the experiment's ops.
std::string Curves(const CompareResult& result, const CompareExperiment& experiment, bool shifted) {
  std::vector<Series> series;
  for (const CompareRow& row : experiment.rows) {
    Series line{{ModeText(row.mode), ColourOf(result, row.mode)}, {}, {}};
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
  std::vector<LegendEntry> legend;
  for (const std::string& family : result.flags.families) {
    legend.push_back({family, ColourOf(result, family)});
  }
  std::vector<BarGroup> held_out;
  std::vector<BarGroup> test;
  for (const std::string& op : result.flags.ops) {
    held_out.push_back({op, {}});
    test.push_back({op, {}});
    for (const CompareTransform& transform : result.transforms) {  // of an op by family
      if (transform.op != op) continue;
      held_out.back().values.push_back(transform.card.entries.at(0).r2);
      test.back().values.push_back(transform.card.entries.at(1).r2);
    }
  }
  return "<div class='plots'>" +
         BarPlot("Displacement R² (G), held-out pairs", "{:.2f}", legend, held_out) +
         BarPlot("Displacement R² (G), test images", "{:.2f}", legend, test) + "</div>\n";
}

std::string CardsTable(const CompareResult& result) {
  std::vector<std::vector<std::string>> rows;
  for (const CompareTransform& transform : result.transforms) {
    const CardEntry& held_out = transform.card.entries.at(0);
    rows.push_back(
        {transform.op, transform.family, R2Text(held_out), R2Text(transform.card.entries.at(1)),
         fmt::format("{:.4f}", held_out.mse), fmt::format("{:.4f}", held_out.identity_mse),
         fmt::format("{:.3f}", held_out.cosine_before),
         fmt::format("{:.3f}", held_out.cosine_after), fmt::format("{:.2f}", held_out.dispersion),
         HumanCount(static_cast<double>(transform.card.multiply_adds)),
         fmt::format("{:.1f}", transform.card.train_seconds)});
  }
  return HtmlTable({"op", "family", "G held-out", "G test images", "MSE", "MSE of identity",
                    "cos(z, z′)", "cos(Ω(z), z′)", "dispersion", "multiply-adds", "fit s"},
                   2, rows);
}

std::string CostSection(const CompareResult& result, const CompareCost& cost) {
  std::string html = fmt::format(
      "<p class='note'>Cost of pixel space over embedding space, Eq. 8 of Abrishami et al. with "
      "counted multiply-adds (Φ {}, Ω {} a row, training Ψ {} a row): <b>{:.1f}×</b> predicted",
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
      "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width'><title>augstore: augmentation in embedding "
      "space</title><style>{}</style></head><body>\n<h1>Augmentation in embedding space against "
      "pixel space</h1>\n<p class='note'>{} training images embedded once, {} test images, heads "
      "{} trained for {} epochs in batches of {}, {} seeds (mean ± standard deviation). Every way "
      "of training gets the same number of steps, the same order and the same draws. Pixel space "
      "runs Φ on every image of every epoch. The shifted test is the same test images under the "
      "ops. Gap closed: (row − no augmentation) / (pixel space − no augmentation) on the shifted "
      "test, with Fieller’s 95 % interval over paired seeds; no gap: pixel space is not better "
      "than no augmentation by a paired t-test.</p>\n",
      kStyle, result.train_samples, result.test_samples, EscapeHtml(result.flags.arch),
      result.flags.epochs, result.flags.batch_size, result.flags.seeds);
  for (size_t i = 0; i < result.experiments.size(); ++i) {
    const CompareExperiment& experiment = result.experiments[i];
    html += "<h2>Augmented by " + EscapeHtml(OpsText(result, experiment)) + "</h2>\n" +
            RowsTable(result, experiment) + CostSection(result, result.costs[i]) +
            "<div class='plots'>" + Curves(result, experiment, true) +
            Curves(result, experiment, false) + "</div>\n";
  }
  html +=
      "<h2>The transforms' cards</h2>\n<p class='note'>G = 1 − Σ‖Ω(z) − z′‖² / Σ‖z − z′‖²: the "
      "part of an augmentation's displacement that the transform explains. 0 is as good as doing "
      "nothing, 1 is perfect, below 0 is harmful; with its 95 % interval. Dispersion: variance of "
      "Ω(z) over that of z′.</p>\n";
  return html + CardsTable(result) + TransformPlots(result) + "</body></html>\n";
}

}  // namespace augstore
