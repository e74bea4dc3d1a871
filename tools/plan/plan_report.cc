#include "tools/plan/plan_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tools/cli/duration.h"
#include "tools/cli/progress.h"
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

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

std::vector<std::string> Commands(const PlanFlags& flags, const PlanResult& result) {
  const MeasuredWay& way = result.ways[result.choice.recommended];
  const std::string where = flags.common.connect.empty() ? "--store " + flags.common.store
                                                         : "--connect " + flags.common.connect;
  const std::string data = fmt::format("{} --collection {} --images {} --backbone {}", where,
                                       flags.collection, flags.images, flags.backbone.file);
  std::vector<std::string> commands = {"augstore ingest " + data};
  if (way.way.views > 0) {
    const bool fixed = flags.law.find("..") == std::string::npos;
    commands.push_back(
        fmt::format("augstore view add {} {}", data,
                    fixed ? "--ops " + Quoted(flags.law)
                          : fmt::format("--law {} --random {} --seed {}", Quoted(flags.law),
                                        way.way.views, flags.seed)));
  }
  commands.push_back(
      fmt::format("augstore head train {} --collection {} --policy {} --arch {} --lr {}", where,
                  flags.collection, Quoted(way.way.policy), Quoted(flags.arch), way.learning_rate));
  return commands;
}

std::string Verdict(const PlanResult& result) {
  const MeasuredWay& best = result.ways[result.choice.best];
  const MeasuredWay& way = result.ways[result.choice.recommended];
  if (!result.choice.pays) {
    return fmt::format(
        "recommended: no augmentation; the best way within the limits, {}, is not better beyond "
        "what chance explains ({} points), on {} training images. More images make a plan sharper "
        "(--sample, --seeds)\n",
        best.way.name, DifferenceText(best.difference), result.training);
  }
  if (result.choice.recommended == result.choice.best) {
    return fmt::format("recommended: {} ({} points)\n", way.way.name,
                       DifferenceText(way.difference));
  }
  return fmt::format(
      "recommended: {} ({} points), the cheapest with at least that share of what {} gains ({})\n",
      way.way.name, DifferenceText(way.difference), best.way.name, DifferenceText(best.difference));
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
  Table table({"way", "Φ calls", "bytes", "Φ for all", "accuracy %", "difference", "gap closed"});
  for (const MeasuredWay& measured : result.ways) {
    const PlanWay& way = measured.way;
    const bool first = &measured == result.ways.data();
    table.Row({way.name, std::to_string(1 + way.views), std::to_string(way.bytes),
               DurationText(PhiSeconds(result, way)), PercentText(measured.accuracy),
               first ? "" : DifferenceText(measured.difference),
               first ? "" : GapText(measured.gap)});
  }
  std::string text = table.ToString();
  text += fmt::format(
      "\nΦ calls and bytes are for each image; Φ for all: {} images at {:.3g} images/s\n"
      "heads: {} images, law {}, {} seeds; accuracy on {} other images under the law; intervals "
      "hold together with 95 %\nthe last row stands for pixel space, which runs Φ on every image "
      "of every epoch\n",
      result.all_images, result.images_per_second, result.training, flags.law, flags.seeds,
      result.validation);
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  text += Verdict(result);
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
