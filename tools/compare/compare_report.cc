#include "tools/compare/compare_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"
#include "tools/compare/report_svg.h"

namespace augstore {
namespace {

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

Table RowsTable(const CompareResult& result, const CompareExperiment& experiment) {
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
  return table;
}

std::string CostText(const CompareResult& result, const CompareCost& cost) {
  std::string text = fmt::format(
      "cost of pixel space over embedding space: {:.1f}x predicted (Eq. 8 of Abrishami et al., "
      "counted multiply-adds: Φ {}, Ω {}, training Ψ {} a row)",
      cost.predicted, HumanCount(static_cast<double>(cost.phi)), HumanCount(cost.omega),
      HumanCount(static_cast<double>(cost.psi)));
  if (!result.flags.no_pixel) {
    text += fmt::format(
        ", {:.1f}x measured (with the {:.2f} s of embedding the {} images once, without fitting Ω, "
        "which serves all later heads)",
        cost.measured, result.ingest_seconds, result.train_samples);
  }
  return text;
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
std::string HtmlTable(const Table& table, size_t texts) {
  std::string html = "<div class='wide'><table><tr>";
  for (const std::string& header : table.headers()) html += "<th>" + EscapeHtml(header) + "</th>";
  html += "</tr>\n";
  for (const std::vector<std::string>& row : table.rows()) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i)
      html += (i < texts ? "<td>" : "<td class='n'>") + EscapeHtml(row[i]) + "</td>";
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

// Mean accuracy over seeds after each tested epoch; `shifted`: averaged over the experiment's ops.
std::string Curves(const CompareResult& result, const CompareExperiment& experiment, bool shifted) {
  std::vector<Series> series;
  for (const CompareRow& row : experiment.rows) {
    Series line{{ModeText(row.mode), ColourOf(result, row.mode)}, {}, {}};
    for (size_t epoch = 0; epoch < row.curve.size(); ++epoch) {
      const std::vector<double>& tests = row.curve[epoch];
      if (tests.empty()) continue;
      line.x.push_back(static_cast<double>(epoch + 1));
      line.y.push_back(100 * (shifted ? ShiftedMean(experiment, tests) : tests[0]));
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
  Table table({"op", "family", "G held-out", "G test images", "MSE", "MSE of identity",
               "cos(z, z′)", "cos(Ω(z), z′)", "dispersion", "multiply-adds", "fit s"});
  for (const CompareTransform& transform : result.transforms) {
    const CardEntry& held_out = transform.card.entries.at(0);
    table.Row(
        {transform.op, transform.family, R2Text(held_out), R2Text(transform.card.entries.at(1)),
         fmt::format("{:.4f}", held_out.mse), fmt::format("{:.4f}", held_out.identity_mse),
         fmt::format("{:.3f}", held_out.cosine_before),
         fmt::format("{:.3f}", held_out.cosine_after), fmt::format("{:.2f}", held_out.dispersion),
         HumanCount(static_cast<double>(transform.card.multiply_adds)),
         fmt::format("{:.1f}", transform.card.train_seconds)});
  }
  return HtmlTable(table, 2);
}

}  // namespace

std::vector<double> PlainAccuracy(const CompareRow& row) {
  std::vector<double> out;
  for (const auto& tests : row.accuracy) out.push_back(tests[0]);
  return out;
}

double ShiftedMean(const CompareExperiment& experiment, const std::vector<double>& tests) {
  double sum = 0;
  for (const size_t op : experiment.ops) sum += tests[1 + op];
  return sum / static_cast<double>(experiment.ops.size());
}

std::vector<double> ShiftedAccuracy(const CompareExperiment& experiment, const CompareRow& row) {
  std::vector<double> out;
  for (const auto& tests : row.accuracy) out.push_back(ShiftedMean(experiment, tests));
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
    out.push_back(summary);
  }
  return out;
}

std::string R2Text(const CardEntry& entry) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", entry.r2, entry.r2_low, entry.r2_high);
}

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
                    RowsTable(result, experiment).ToString());
    text += CostText(result, result.costs[i]) + "\n";
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
            HtmlTable(RowsTable(result, experiment), 1) + "<p class='note'>" +
            EscapeHtml(CostText(result, result.costs[i])) + "</p>\n" + "<div class='plots'>" +
            Curves(result, experiment, true) + Curves(result, experiment, false) + "</div>\n";
  }
  html +=
      "<h2>The transforms' cards</h2>\n<p class='note'>G = 1 − Σ‖Ω(z) − z′‖² / Σ‖z − z′‖²: the "
      "part of an augmentation's displacement that the transform explains. 0 is as good as doing "
      "nothing, 1 is perfect, below 0 is harmful; with its 95 % interval. Dispersion: variance of "
      "Ω(z) over that of z′.</p>\n";
  return html + CardsTable(result) + TransformPlots(result) + "</body></html>\n";
}

}  // namespace augstore
