// augstore plan: what to store and what to draw, measured on a sample.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/heads/head_trainer.h"
#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "storage/store/memory_store.h"
#include "storage/store/store.h"
#include "tools/cli/progress.h"
#include "tools/collection/phi_cost.h"
#include "tools/commands.h"
#include "tools/head/head_runs.h"
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

// Everything that can be refused before Φ runs.
Status CheckFlags(PlanFlags* flags) {
  AUGSTORE_TRY(ParseArch(flags->arch));
  AUGSTORE_TRY(HeadGrid(flags->learning_rates, {flags->weight_decay}, {flags->seed}, 0));
  if (flags->batch_size > kMaxBatchRows) {
    return InvalidArgument("--batch-size {}: at most {} are possible", flags->batch_size,
                           kMaxBatchRows);
  }
  for (const std::string& transform : flags->transforms) AUGSTORE_TRY(ParseChain(transform));
  const std::filesystem::path folder = std::filesystem::path(flags->plot).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    return NotFound("--plot {}: there is no folder {}", flags->plot, folder.string());
  }
  if (!flags->collection.empty()) return ValidateName(flags->collection);
  flags->collection = FolderName(flags->images);
  Status named = ValidateName(flags->collection);
  if (named.ok()) return named;
  return InvalidArgument("{}; the folder's name cannot name a collection: give --collection",
                         named.message());
}

// What the plan would ask of Φ. Nothing is registered and stored.
Status SayCost(const PlanFlags& flags, const PlanSample& sample, uint64_t calls) {
  AUGSTORE_ASSIGN(const auto nowhere, Database::Over(NewMemoryStore()));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, nowhere->client(), !flags.common.quiet));
  AUGSTORE_ASSIGN(const double rate, MeasurePhi(*backbone, sample.items));
  Emit(flags.common,
       {{"images", sample.items.size()},
        {"phi_calls", calls},
        {"images_per_second", rate},
        {"seconds", static_cast<double>(calls) / rate}},
       PhiCostText({sample.items.size(), calls, rate}) + "nothing was changed\n");
  return OkStatus();
}

// The collection that the commands name. Errors: those of Client::Get but kNotFound;
// kFailedPrecondition (it is of another backbone).
Result<PlanTarget> ReadTarget(const PlanFlags& flags, const ViewLaw& law, Trials& trials) {
  PlanTarget target;
  const auto found = trials.source->client().Get<CollectionRecord>(flags.collection);
  if (found.status().code() == Code::kNotFound) return target;
  if (!found.ok()) return found.status();
  if (found->record.backbone != trials.space().digest) {
    return FailedPrecondition(
        "collection '{}' is of another backbone than --backbone {}: name another --collection",
        found->ref(), flags.backbone.file);
  }
  target.exists = true;
  target.dtype = found->record.dtype;
  for (const ViewSet& set : found->record.views) {
    if (set.law == law.set().law && set.seed == law.set().seed) target.views = set.count;
  }
  return target;
}

void SetPrices(const PlanFlags& flags, PlanResult* result) {
  const auto images = static_cast<double>(result->all_images);
  for (MeasuredWay& measured : result->ways) {
    const double calls = images * (1 + measured.way.views);
    const double gib = images * static_cast<double>(measured.way.bytes) / (uint64_t{1} << 30);
    measured.way.price =
        flags.second_price * calls / result->images_per_second + flags.gib_price * gib;
  }
}

std::vector<std::string> Notes(const PlanData& data, const PlanTarget& target) {
  std::vector<std::string> notes;
  if (data.copies > 0) {
    notes.push_back(fmt::format(
        "{} images of the sample have the content of another, and were left out", data.copies));
  }
  if (target.dtype != Dtype::kF32) {
    notes.push_back(fmt::format(
        "measured in f32; the collection is in {}, so its views are embedded once more by view add",
        DtypeName(target.dtype)));
  }
  return notes;
}

Status Plan(PlanFlags flags) {
  AUGSTORE_TRY(CheckFlags(&flags));
  AUGSTORE_ASSIGN(const AskedViews asked, ViewsAskedFor(flags));
  flags.law = asked.law.set().law;
  AUGSTORE_ASSIGN(const PlanSample sample, ChooseSample(flags));
  const uint64_t calls = PlanPhiCalls(flags, sample, asked.law);
  if (flags.dry_run) return SayCost(flags, sample, calls);
  const Stopwatch clock;
  AUGSTORE_ASSIGN(Trials trials, OpenTrials(flags.common, flags.backbone, "", true));
  PlanResult result;
  result.all_images = sample.all_images;
  AUGSTORE_ASSIGN(result.target, ReadTarget(flags, asked.law, trials));
  AUGSTORE_ASSIGN(result.images_per_second, MeasurePhi(*trials.backbone, sample.items));
  if (trials.show_progress) {
    fmt::print(stderr, "{}", PhiCostText({sample.items.size(), calls, result.images_per_second}));
  }
  AUGSTORE_ASSIGN(const PlanData data, PreparePlan(flags, sample, asked.law, asked.fewer, trials));
  PrintSkipped(data.counts);
  result.training = data.training;
  result.validation = data.validation;
  result.phi_calls = data.counts.embedded;
  AUGSTORE_ASSIGN(const PlannedWays planned,
                  ListWays(flags, result.target, asked.law, asked.fewer, data, trials));
  result.notes = Notes(data, result.target);
  result.notes.insert(result.notes.end(), planned.notes.begin(), planned.notes.end());
  AUGSTORE_ASSIGN(result.ways, MeasureWays(flags, asked.law, data, planned.ways, trials));
  SetPrices(flags, &result);
  result.choice = ChooseWay(result.ways, flags.limits);
  result.seconds = clock.seconds();
  Emit(flags.common, PlanJson(flags, result), PlanText(flags, result));
  return flags.plot.empty() ? OkStatus() : WriteFileAtomically(flags.plot, PlanPlot(flags, result));
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
  command->AddFlag("--sample", &flags->sample, "Images to train heads on, of all classes together")
      .Positive();
  command
      ->AddFlag("--validation", &flags->validation,
                "Other images to test them on: more of them make intervals narrower")
      .Positive();
  command->AddFlag("--dry-run", &flags->dry_run, "Only say what the plan would ask of Φ");
  command->AddFlag("--plot", &flags->plot, "Write the gap that each way closes as SVG");
}

void AddWayFlags(Command* command, PlanFlags* flags) {
  command->AddFlag("--views", &flags->views,
                   "Numbers of stored random views to try (a law without ranges has one view)");
  command
      ->AddFlag("--many-views", &flags->many_views,
                "Views of each image that stand for pixel space")
      .Range(1u, uint32_t{kMaxViews});
  command
      ->AddFlag("--transforms", &flags->transforms,
                "Transforms to try, such as 'geo[rotate(-30..30)]' (default: the proven "
                "ones of the backbone that follow the law)")
      .Commas();
  command->AddFlag("--max-phi-calls", &flags->limits.phi_calls,
                   "Recommend no way that takes more calls of Φ for each image; 0: any number");
  command->AddFlag("--max-bytes", &flags->limits.bytes,
                   "Recommend no way that stores more bytes for each image; 0: any number");
  command
      ->AddFlag("--second-price", &flags->second_price,
                "Price of a second of Φ: the cheapest way is then the one of the lowest price")
      .AtLeast(0);
  command->AddFlag("--gib-price", &flags->gib_price, "Price of a GiB that is stored").AtLeast(0);
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
