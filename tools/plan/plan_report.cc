#include "tools/plan/plan_report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/cli/duration.h"
#include "tools/cli/progress.h"
#include "tools/cli/shell_word.h"
#include "tools/cli/table.h"
#include "tools/compare/report_svg.h"

namespace augstore {
namespace {

// Seconds of Φ for all images, made this way.
double PhiSeconds(const PlanResult& result, const PlanWay& way) {
  return static_cast<double>(result.all_images) * (1 + way.views) / result.images_per_second;
}

std::string DifferenceText(const PolicyDifference& d) {
  return fmt::format("{:+.1f} [{:+.1f}, {:+.1f}]", 100 * d.mean, 100 * d.low, 100 * d.high);
}

// " --flag value" for each value that is given.
std::string Words(const std::vector<std::pair<std::string, std::string>>& flags) {
  std::string text;
  for (const auto& [flag, value] : flags) {
    if (!value.empty()) text += " " + flag + " " + ShellWord(value);
  }
  return text;
}

// Where the database is; nothing where the environment says it.
std::string Where(const CommonFlags& common) {
  return Words({{"--store", common.store},
                {"--connect", common.connect},
                {"--key-file", common.key_file},
                {"--tls-ca", common.tls.ca},
                {"--tls-cert", common.tls.certificate},
                {"--tls-key", common.tls.key}});
}

std::string BackboneWords(const BackboneFlags& backbone) {
  const auto numbers = [](const std::vector<float>& values) {
    return fmt::format("{}", fmt::join(values, ","));
  };
  return Words({{"--backbone", backbone.file},
                {"--backbone-name", backbone.name},
                {"--resize", backbone.resize > 0 ? std::to_string(backbone.resize) : ""},
                {"--mean", numbers(backbone.mean)},
                {"--std", numbers(backbone.stddev)}}) +
         (backbone.normalised ? " --normalised" : "");
}

std::vector<std::string> Commands(const PlanFlags& flags, const PlanResult& result) {
  const MeasuredWay& way = result.ways[result.choice.recommended];
  const std::string where = Where(flags.common);
  const std::string collection = Words({{"--collection", flags.collection}});
  const std::string split = Words({{"--split", flags.split}});
  const std::string images =
      where + collection + Words({{"--images", flags.images}}) + BackboneWords(flags.backbone);
  std::vector<std::string> commands;
  if (!result.target.exists) commands.push_back("augstore ingest" + images);
  if (way.way.views > result.target.views) {
    const bool fixed = flags.law.find("..") == std::string::npos;
    commands.push_back("augstore view add" + images + split +
                       (fixed ? Words({{"--ops", flags.law}})
                              : Words({{"--law", flags.law},
                                       {"--random", std::to_string(way.way.views)},
                                       {"--seed", std::to_string(flags.seed)}})));
  }
  commands.push_back("augstore head train" + where + collection + split +
                     Words({{"--policy", way.way.policy},
                            {"--arch", flags.arch},
                            {"--lr", fmt::format("{}", way.learning_rate)},
                            {"--weight-decay", fmt::format("{}", flags.weight_decay)},
                            {"--batch-size", std::to_string(flags.batch_size)}}));
  return commands;
}

std::string Verdict(const PlanFlags& flags, const PlanResult& result) {
  const MeasuredWay& best = result.ways[result.choice.best];
  const MeasuredWay& way = result.ways[result.choice.recommended];
  if (result.choice.best == 0) {
    return "recommended: no augmentation; no way within the limits has heads that are better on "
           "average\n";
  }
  if (!result.choice.pays) {
    return fmt::format(
        "recommended: no augmentation; the best way within the limits, {}, is not better beyond "
        "what chance explains ({} points). More images or heads make a plan sharper (--sample, "
        "--seeds)\n",
        best.way.name, DifferenceText(best.difference));
  }
  if (result.choice.recommended == result.choice.best) {
    return fmt::format("recommended: {} ({} points)\n", way.way.name,
                       DifferenceText(way.difference));
  }
  return fmt::format(
      "recommended: {} ({} points), the cheapest that gains {:.0f} % of what {} gains ({})\n",
      way.way.name, DifferenceText(way.difference), 100 * flags.limits.share, best.way.name,
      DifferenceText(best.difference));
}

Json NumberOrNull(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

Json WayJson(const PlanResult& result, const MeasuredWay& measured) {
  const PlanWay& way = measured.way;
  Json gap = nullptr;
  if (measured.gap.significant) {
    gap = {{"closed", measured.gap.closed}, {"low", measured.gap.low}, {"high", measured.gap.high}};
  }
  return {{"way", way.name},
          {"policy", way.policy},
          {"views", way.views},
          {"phi_calls", 1 + way.views},
          {"bytes", way.bytes},
          {"phi_seconds", PhiSeconds(result, way)},
          {"multiply_adds", way.multiply_adds},
          {"price", way.price},
          {"frontier", measured.on_frontier},
          {"lr", measured.learning_rate},
          {"accuracy", measured.accuracy.mean},
          {"sd", measured.accuracy.sd},
          {"difference", measured.difference.mean},
          {"low", NumberOrNull(measured.difference.low)},
          {"high", NumberOrNull(measured.difference.high)},
          {"gap", gap}};
}

}  // namespace

std::string PlanText(const PlanFlags& flags, const PlanResult& result) {
  const bool priced = flags.second_price > 0 || flags.gib_price > 0;
  std::vector<std::string> headers = {"way",     "accuracy %", "difference", "gap closed",
                                      "Φ calls", "bytes",      "Φ for all",  "frontier"};
  if (priced) headers.insert(headers.begin() + 4, "price");
  Table table(headers);
  for (const MeasuredWay& measured : result.ways) {
    const PlanWay& way = measured.way;
    const bool first = &measured == result.ways.data();
    std::vector<std::string> row = {way.name,
                                    PercentText(measured.accuracy),
                                    first ? "" : DifferenceText(measured.difference),
                                    first ? "" : GapText(measured.gap),
                                    std::to_string(1 + way.views),
                                    std::to_string(way.bytes),
                                    DurationText(PhiSeconds(result, way)),
                                    measured.on_frontier ? "yes" : ""};
    if (priced) row.insert(row.begin() + 4, fmt::format("{:.2f}", way.price));
    table.Row(std::move(row));
  }
  const bool fixed = flags.law.find("..") == std::string::npos;
  std::string text = table.ToString();
  text += fmt::format(
      "\naccuracy of heads trained on {} images, {} seeds, on {} other images under the law {}; ~: "
      "with drawn errors\nintervals of differences: 95 % for all together, over seeds and images; "
      "of gaps: 95 %, over seeds alone\nΦ calls and bytes: of each image; Φ for all: {} labelled "
      "images at {:.3g} a second, without decoding\nfrontier: no way with as few calls of Φ and "
      "bytes is more accurate{}\n",
      result.training, flags.seeds, result.validation, flags.law, result.all_images,
      result.images_per_second,
      fixed ? ""
            : "\nthe last way stands for pixel space, which runs Φ on every image of every epoch");
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  text += Verdict(flags, result);
  for (const std::string& command : Commands(flags, result)) text += "  " + command + "\n";
  return text;
}

Json PlanJson(const PlanFlags& flags, const PlanResult& result) {
  Json ways = Json::array();
  for (const MeasuredWay& measured : result.ways) ways.push_back(WayJson(result, measured));
  return {{"law", flags.law},
          {"images", result.all_images},
          {"training", result.training},
          {"validation", result.validation},
          {"phi_calls", result.phi_calls},
          {"images_per_second", result.images_per_second},
          {"ways", ways},
          {"pays", result.choice.pays},
          {"best", result.ways[result.choice.best].way.name},
          {"recommended", result.ways[result.choice.recommended].way.name},
          {"commands", Commands(flags, result)},
          {"notes", result.notes},
          {"arch", flags.arch},
          {"seeds", flags.seeds},
          {"seed", flags.seed},
          {"steps", flags.steps},
          {"batch_size", flags.batch_size},
          {"weight_decay", flags.weight_decay},
          {"share", flags.limits.share},
          {"seconds", result.seconds}};
}

std::string PlanPlot(const PlanFlags& flags, const PlanResult& result) {
  std::vector<const MeasuredWay*> order;
  for (const MeasuredWay& measured : result.ways) order.push_back(&measured);
  std::ranges::stable_sort(order, {}, [](const MeasuredWay* measured) {
    return std::pair(measured->way.views, measured->way.bytes);
  });
  const bool gap = result.ways.back().gap.significant;
  std::vector<IntervalBar> bars;
  for (const MeasuredWay* measured : order) {
    const std::string name =
        fmt::format("{} ({} Φ, {})", measured->way.name, 1 + measured->way.views,
                    HumanBytes(static_cast<double>(measured->way.bytes)));
    const PolicyDifference& d = measured->difference;
    const bool known = !std::isnan(d.low);
    bars.push_back(gap ? IntervalBar{name, 100 * measured->gap.closed, 100 * measured->gap.low,
                                     100 * measured->gap.high}
                       : IntervalBar{name, 100 * d.mean, 100 * (known ? d.low : d.mean),
                                     100 * (known ? d.high : d.mean)});
  }
  return IntervalPlot(fmt::format("{} under {}", gap ? "Gap closed" : "Points gained", flags.law),
                      gap ? "{:.0f} %" : "{:+.1f}", bars);
}

}  // namespace augstore
