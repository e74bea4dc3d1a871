#include "tools/paper/paper_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "schemas/base/files.h"
#include "tools/cli/table.h"
#include "tools/compare/compare_report.h"
#include "tools/compare/report_svg.h"

namespace augstore {
namespace {

class Results {
 public:
  // Cells of an earlier run with more seeds are left out.
  Results(const PaperFlags& flags, const PaperCells& cells) {
    for (const PaperCell& cell : cells) {
      if (cell.seed < flags.seeds) cells_[{cell.row, cell.per_class}].push_back(&cell);
    }
    for (auto& [key, list] : cells_) {
      std::ranges::sort(list, {}, [](const PaperCell* cell) { return cell->seed; });
    }
  }

  const std::vector<const PaperCell*>& Cells(const std::string& row, uint32_t per_class) const {
    return cells_.at({row, per_class});
  }

  // Test accuracies by seed, with the learning rate and the number of epochs that do best on
  // validation, mean over seeds.
  std::vector<double> Accuracy(const std::string& row, uint32_t per_class, bool shifted) const {
    const auto& cells = Cells(row, per_class);
    const auto key = [](const PaperPoint& point) {
      return std::pair(point.learning_rate, point.epoch);
    };
    std::map<std::pair<double, uint32_t>, double> validation;
    for (const PaperCell* cell : cells) {
      for (const PaperPoint& point : cell->points)
        validation[key(point)] += shifted ? point.validation_shifted : point.validation_plain;
    }
    const auto best =
        std::ranges::max_element(validation, {}, [](const auto& entry) { return entry.second; });
    std::vector<double> accuracy;
    for (const PaperCell* cell : cells) {
      for (const PaperPoint& point : cell->points) {
        if (key(point) == best->first)
          accuracy.push_back(shifted ? point.test_shifted : point.test_plain);
      }
    }
    return accuracy;
  }

 private:
  std::map<std::pair<std::string, uint32_t>, std::vector<const PaperCell*>> cells_;
};

// The row's gap closed; REQUIRES: the rows of WritePaperReport.
Gap GapOf(const std::vector<PaperRow>& rows, const PaperRow& row, const Results& results,
          uint32_t per_class, bool shifted) {
  const auto accuracy = [&](const PaperRow& one) {
    return results.Accuracy(one.name, per_class, shifted);
  };
  return MeasureGap(accuracy(rows.front()), accuracy(row), accuracy(rows.back()));
}

// Accuracy of all rows by number of images, and how much of the gap each closes.
std::string AccuracyTable(const PaperFlags& flags, const std::vector<PaperRow>& rows,
                          const Results& results, bool shifted) {
  std::vector<std::string> headers = {"heads trained with"};
  for (const uint32_t n : flags.per_class) {
    headers.push_back(fmt::format("{} per class", n));
    headers.emplace_back("gap closed");
  }
  Table table(headers);
  for (const PaperRow& row : rows) {
    std::vector<std::string> line = {row.name};
    const bool reference = &row == &rows.front() || &row == &rows.back();
    for (const uint32_t n : flags.per_class) {
      line.push_back(PercentText(Summarise(results.Accuracy(row.name, n, shifted))));
      line.push_back(reference ? "" : GapText(GapOf(rows, row, results, n, shifted)));
    }
    table.Row(line);
  }
  return table.ToMarkdown();
}

// What every row costs at the largest number of images: one head, mean over seeds.
std::string CostTable(const PaperFlags& flags, const std::vector<PaperRow>& rows,
                      const Results& results, const PaperData& data,
                      const BackboneRecord& backbone) {
  const uint32_t n = flags.per_class.back();
  Table table({"heads trained with", "storage per image", "Φ calls", "Φ seconds",
               "training seconds", "samples/s"});
  for (const PaperRow& row : rows) {
    const auto& cells = results.Cells(row.name, n);
    double seconds = 0;
    for (const PaperCell* cell : cells)
      seconds += cell->seconds / static_cast<double>(cells.size());
    const uint64_t views = std::max(1u, row.views);  // stored
    const bool online = row.policy.empty() && row.views == 0;
    const auto images = static_cast<double>(cells[0]->samples) / cells[0]->epochs;
    const double calls =
        online ? static_cast<double>(cells[0]->samples) : images * static_cast<double>(views);
    const double phi = calls / data.phi_per_second;
    const uint64_t stored =
        views * backbone.dim * sizeof(float) +
        (row.reads_feature_maps ? QuantizedRowBytes(backbone.feature_map.values()) : 0);
    table.Row({row.name, online ? "the image" : fmt::format("{} B", stored),
               fmt::format("{:.0f}", calls), fmt::format("{:.1f}", phi),
               fmt::format("{:.1f}", seconds),
               fmt::format("{:.0f}", static_cast<double>(cells[0]->samples) /
                                         (seconds + (online ? phi : 0)))});
  }
  return table.ToMarkdown();
}

std::string TransformTable(const PaperFlags& flags, const PaperTransforms& transforms) {
  std::vector<std::string> headers = {"family"};
  headers.insert(headers.end(), flags.ops.begin(), flags.ops.end());
  headers.emplace_back("multiply-adds");
  Table table(headers);
  for (const std::string& family : flags.families) {
    std::vector<std::string> row = {family};
    uint64_t most = 0;
    for (const CompareTransform& transform : transforms.separate) {
      if (transform.family != family) continue;
      row.push_back(R2Text(transform.card.entries.front()) + " / " +
                    R2Text(transform.card.entries.back()));
      most = std::max(most, transform.card.multiply_adds);
    }
    row.push_back(std::to_string(most));
    table.Row(row);
  }
  return table.ToMarkdown();
}

// One plot per number of images where there is a gap to close; returns the Markdown that shows
// them.
Result<std::string> WritePlots(const PaperFlags& flags, const std::vector<PaperRow>& rows,
                               const Results& results) {
  std::string text;
  for (const uint32_t n : flags.per_class) {
    std::vector<IntervalBar> bars;
    bool significant = true;
    for (size_t i = 1; i + 1 < rows.size(); ++i) {
      const Gap gap = GapOf(rows, rows[i], results, n, true);
      significant = significant && gap.significant;
      bars.push_back({rows[i].name, 100 * gap.closed, 100 * gap.low, 100 * gap.high});
    }
    if (!significant) continue;
    const std::string name = fmt::format("{}-gap-{}.svg", FolderName(flags.out), n);
    const std::string title =
        fmt::format("Gap closed on the shifted test, {} training images per class", n);
    AUGSTORE_TRY(
        WriteFileAtomically(flags.out + "/" + name, IntervalPlot(title, "{:.0f} %", bars)));
    text += fmt::format("\n![{}]({})\n", title, name);
  }
  return text;
}

std::string Setting(const PaperFlags& flags, const PaperData& data) {
  return fmt::format(
      "Ops: {}; the policy draws each of them and the identity with equal weight. Heads {}, AdamW, "
      "batches of {}, at least {} steps, {} seeds (each with training images, order, draws and "
      "initial weights of its own), mean ± sd. The learning rate (of {}) and the length (of {} "
      "checkpoints) of every row are those that do best on {} validation images, for each column "
      "on its own; the test is {} other images. *Shifted* is the mean over the test images under "
      "each of the ops. *Gap closed* is (row − none) / (pixel − none) with Fieller's 95 % interval "
      "over paired seeds; *no gap* where pixel space is not better than none by a paired t-test at "
      "95 %.\n",
      fmt::join(flags.ops, ", "), flags.arch, flags.batch_size, flags.steps, flags.seeds,
      fmt::join(flags.learning_rates, ", "), flags.checkpoints, data.tests[0].labels.size(),
      data.tests[1].labels.size());
}

}  // namespace

Status WritePaperReport(const PaperFlags& flags, const PaperTransforms& transforms,
                        const PaperData& data, const std::vector<PaperRow>& rows,
                        const PaperCells& cells, const BackboneRecord& backbone,
                        const std::string& conditional_table) {
  const Results results(flags, cells);
  std::string text = fmt::format("## {}\n\n{}\n", flags.title, Setting(flags, data));
  text += "### Test images under the ops\n\n" + AccuracyTable(flags, rows, results, true);
  AUGSTORE_ASSIGN(const std::string plots, WritePlots(flags, rows, results));
  text += plots;
  text += "\n### Test images as they are\n\n" + AccuracyTable(flags, rows, results, false);
  text += fmt::format(
      "\n### Cost, {} images per class\n\nOf all {} learning rates together. Φ runs at {:.0f} "
      "images/s on this machine; pixel space was trained on views that are stored, which are the "
      "same up to rounding, and its Φ seconds are counted from that rate; its samples/s include "
      "them.\n\n",
      flags.per_class.back(), flags.learning_rates.size(), data.phi_per_second);
  text += CostTable(flags, rows, results, data, backbone);
  text +=
      "\n### Displacement R²\n\nG with its 95 % interval, on held-out pairs / on the test "
      "images.\n\n" +
      TransformTable(flags, transforms);
  if (!transforms.conditional.empty()) {
    text += fmt::format("\nConditional ({}), held out:", transforms.conditional);
    for (const CardEntry& entry : transforms.conditional_card.entries) {
      text += fmt::format(" {} {};", entry.data, R2Text(entry));
    }
    text.back() = '.';
    text += "\n";
  }
  return WriteFileAtomically(flags.out + "/results.md", text + conditional_table);
}

}  // namespace augstore
