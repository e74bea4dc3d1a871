// augstore plan: what to store and what to draw, measured on a sample.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/heads/head_trainer.h"
#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/collection/phi_cost.h"
#include "tools/commands.h"
#include "tools/plan/plan_report.h"
#include "tools/plan/plan_ways.h"

namespace augstore {
namespace {

// The law with the most views that are tried, and the smaller numbers of views.
struct AskedViews {
  ViewLaw law;
  std::vector<uint32_t> fewer;  // ascending, each once
};
Result<AskedViews> ViewsAskedFor(const PlanFlags& flags) {
  AUGSTORE_ASSIGN(const OpPattern pattern, OpPattern::Parse(flags.law));
  if (pattern.fixed()) {
    AUGSTORE_ASSIGN(ViewLaw law, ViewLaw::Parse({flags.law, 1, 0}));
    return AskedViews{std::move(law), {}};
  }
  std::vector<uint32_t> views = flags.views;
  std::ranges::sort(views);
  views.erase(std::unique(views.begin(), views.end()), views.end());
  if (views.empty() || views.front() == 0 || views.back() >= flags.many_views ||
      flags.many_views > kMaxViews) {
    return InvalidArgument(
        "--views {} and --many-views {}: numbers of views are at least 1, and below --many-views, "
        "which is at most {}",
        fmt::join(views, ","), flags.many_views, kMaxViews);
  }
  AUGSTORE_ASSIGN(ViewLaw law, ViewLaw::Parse({flags.law, flags.many_views, flags.seed}));
  return AskedViews{std::move(law), std::move(views)};
}

Status CheckFlags(PlanFlags* flags) {
  AUGSTORE_TRY(ParseArch(flags->arch));
  if (flags->collection.empty()) flags->collection = FolderName(flags->images);
  return ValidateName(flags->collection);
}

Status Plan(PlanFlags flags) {
  AUGSTORE_TRY(CheckFlags(&flags));
  AUGSTORE_ASSIGN(const AskedViews asked, ViewsAskedFor(flags));
  flags.law = asked.law.set().law;
  AUGSTORE_ASSIGN(const PlanSample sample, ChooseSample(flags));
  AUGSTORE_ASSIGN(Trials trials, OpenTrials(flags.common, flags.backbone, "", !flags.dry_run));
  PlanResult result;
  result.all_images = sample.all_images;
  const Stopwatch clock;
  AUGSTORE_ASSIGN(result.images_per_second, MeasurePhi(*trials.backbone, sample.items));
  const uint64_t calls = sample.items.size() * (1 + uint64_t{asked.law.set().count});
  if (trials.show_progress || flags.dry_run) {
    fmt::print(stderr, "{}", PhiCostText({sample.items.size(), calls, result.images_per_second}));
  }
  if (flags.dry_run) return OkStatus();
  AUGSTORE_ASSIGN(const PlanData data, PreparePlan(flags, sample, asked.law, asked.fewer, trials));
  PrintSkipped(data.counts);
  result.training = data.training;
  result.validation = data.validation;
  result.phi_calls = data.counts.embedded;
  AUGSTORE_ASSIGN(const PlannedWays planned, ListWays(flags, asked.law, asked.fewer, data, trials));
  result.notes = planned.notes;
  AUGSTORE_ASSIGN(result.ways, MeasureWays(flags, asked.law, data, planned.ways, trials));
  result.choice = ChooseWay(result.ways, flags.limits);
  result.seconds = clock.seconds();
  if (!flags.plot.empty()) AUGSTORE_TRY(WriteFileAtomically(flags.plot, PlanPlot(flags, result)));
  Emit(flags.common, PlanJson(flags, result), PlanText(flags, result));
  return OkStatus();
}

void AddDataFlags(Command* command, PlanFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--images", &flags->images, "Labelled images: as for ingest").Required();
  command->AddFlag("--split", &flags->split,
                   "Of these images (default: all but those of split test)");
  command->AddFlag("--collection", &flags->collection,
                   "Collection that the recommended commands name (default: the folder's name)");
  command
      ->AddFlag("--law", &flags->law,
                "How images are expected to vary, as image ops with ranges: "
                "'rotate(-30..30)>brightness(0.7..1.4)'")
      .Required();
  command->AddFlag("--sample", &flags->sample, "Images to measure on, of all classes together")
      .Positive();
  command
      ->AddFlag("--validation", &flags->validation, "Part of the sample that heads are tested on")
      .Range(0.05, 0.9);
  command->AddFlag("--dry-run", &flags->dry_run, "Only say what the plan would ask of Φ");
  command->AddFlag("--plot", &flags->plot, "Write the gap that each way closes as SVG");
}

void AddWayFlags(Command* command, PlanFlags* flags) {
  command->AddFlag("--views", &flags->views, "Numbers of stored random views to try");
  command
      ->AddFlag("--many-views", &flags->many_views,
                "Views of each image that stand for pixel space")
      .Range(1u, uint32_t{kMaxViews});
  command
      ->AddFlag("--transforms", &flags->transforms,
                "Transforms to try, such as 'geo[rotate(-30..30)]' (default: the proven "
                "conditional ones of the backbone, under the law)")
      .Commas();
  command->AddFlag("--max-phi-calls", &flags->limits.phi_calls,
                   "Recommend no way that takes more calls of Φ for each image; 0: any number");
  command->AddFlag("--max-bytes", &flags->limits.bytes,
                   "Recommend no way that stores more bytes for each image; 0: any number");
  command
      ->AddFlag("--share", &flags->limits.share,
                "Recommend the cheapest way that gains this share of what the best gains")
      .Range(0.0, 1.0);
}

void AddHeadFlags(Command* command, PlanFlags* flags) {
  command->AddFlag("--seed", &flags->seed, "Of the sample, of the views, and the first of heads");
  command->AddFlag("--seeds", &flags->seeds, "Heads of each way").Range(2u, 100u);
  command->AddFlag("--steps", &flags->steps, "Batches that each head trains on, at least")
      .Range(1.0, 1e6);
  command->AddFlag("--batch-size", &flags->batch_size, "Samples of one step").Positive();
  command->AddFlag("--arch", &flags->arch, "linear, or mlp(<widths>)");
  command->AddFlag("--lr", &flags->learning_rates,
                   "Learning rate, or several, of which each way gets its best");
  command->AddFlag("--weight-decay", &flags->weight_decay, "Weight decay");
}

void AddFlags(Command* command, PlanFlags* flags) {
  AddDataFlags(command, flags);
  AddWayFlags(command, flags);
  AddHeadFlags(command, flags);
}

}  // namespace

void AddPlanCommand(Command* app) {
  AddCommand<PlanFlags>(
      app, "plan", "Measure on a sample which views to store and which transforms to draw",
      "augstore plan --store db --images photos/ --backbone backbone.pt --law "
      "'rotate(-30..30)>brightness(0.7..1.4)'\n"
      "  augstore plan --store db --images photos/ --backbone backbone.pt --law "
      "'rotate(-30..30)' --max-phi-calls 2 --plot plan.svg\n\n"
      "Embeds the sample, and views of it under the law, and trains heads on each way to get "
      "augmented embeddings: none,\ntransforms of the embedding, stored views, both. Recommends "
      "the cheapest way that is nearly as good as the best, and\nprints the commands for it. The "
      "embeddings stay in the store, where these commands find them; nothing else is kept.",
      AddFlags, Plan);
}

}  // namespace augstore
