// augstore transform train-conditional: one transform for a family of ops with any magnitudes.
#include <nlohmann/json.hpp>

#include "engine/conditional/conditional_fit.h"
#include "engine/conditional/conditional_pairs.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/collection/phi_cost.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

struct ConditionalFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string ops;
  uint32_t slots = 2;
  std::string name = "geo";
  std::string images;
  uint64_t limit = 0;
  ViewPlan plan;
  ConditionalFitOptions fit;
  AliasRequest alias;
  bool dry_run = false;
};

struct Views {
  Matrix z;
  ConditionalPairs pairs;
  EmbedCounts counts;
};

// Every image, then the views that the plan wants of those that could be read.
Result<Views> EmbedPlan(Database& database, LazyBackbone& backbone, const OpFamily& family,
                        const std::vector<ImageItem>& items, const ConditionalFlags& flags) {
  const bool show = !flags.common.quiet;
  const std::vector<std::optional<ImageOp>> plain_only(1);
  AUGSTORE_ASSIGN(EmbeddedViews plain,
                  EmbedViews(database, backbone, items, plain_only, {.show_progress = show}));
  Views views;
  views.z = std::move(plain.views[0]);
  views.counts = plain;
  AUGSTORE_ASSIGN(views.pairs, PlanViews(family, plain.complete.size(), flags.plan));
  std::vector<ImageItem> of_views;
  std::vector<ImageOp> ops;
  for (size_t v = 0; v < views.pairs.images.size(); ++v) {
    AUGSTORE_ASSIGN(ImageOp op, ImageOp::ParseSequence(views.pairs.ops[v].ToString()));
    of_views.push_back(items[plain.complete[views.pairs.images[v]]]);
    ops.push_back(std::move(op));
  }
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(database, backbone, of_views, std::span<const ImageOp>(ops),
                             "augmented views", show));
  views.counts.Add(outcome);
  if (!outcome.skipped.empty()) {
    return Unavailable("{} could be read a moment ago and cannot be read any more: {}",
                       outcome.skipped[0].key, outcome.skipped[0].reason);
  }
  AUGSTORE_ASSIGN(views.pairs.targets,
                  FetchRows(database.client(), backbone.record(), outcome.rows));
  return views;
}

Result<TrainedTransform> Fit(const OpFamily& family, const Views& views,
                             const ConditionalFlags& flags) {
  Progress progress("fit", "parts", family.terms().size() + 1, !flags.common.quiet);
  Result<TrainedTransform> fitted =
      FitConditional(family, views.z.view(), views.pairs, flags.fit,
                     [&](size_t done, size_t, const std::string& what) {
                       progress.Update(done, what);
                       return !Interrupted();
                     });
  if (Interrupted()) {
    return InterruptedStatus(
        "no transform was registered; the embeddings are stored, so that the same command starts "
        "fitting at once");
  }
  return fitted;
}

void Print(const Versioned<TransformRecord>& added, const EmbedCounts& counts, double seconds,
           const ConditionalFlags& flags) {
  Emit(flags.common, TrainedJson(added, flags.alias, {{"slots", flags.slots}}, counts, seconds),
       fmt::format("{}: conditional on {}, up to {} ops at once\n{} views embedded, {} reused, {} "
                   "images skipped, {:.1f} s\n\n{}",
                   added.ref(), added.record.op, flags.slots, counts.embedded, counts.reused,
                   counts.skipped.size(), seconds, CardTable(added.record.card)));
}

Status Train(ConditionalFlags flags) {
  flags.plan.seed = flags.fit.seed;
  AUGSTORE_ASSIGN(const OpFamily family, OpFamily::Parse(flags.ops, flags.slots));
  AUGSTORE_TRY(ValidateTransformName(flags.name));
  if (!flags.alias.alias.empty()) AUGSTORE_TRY(ValidateAlias(flags.alias.alias));
  AUGSTORE_ASSIGN(ImageSource source, ListImages(flags.images));
  const std::vector<ImageItem> items = SpreadItems(std::move(source.items), flags.limit);
  const Stopwatch clock;
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.dry_run ? StoreAccess::kRead : StoreAccess::kCreate));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, database->client(), !flags.common.quiet));
  AUGSTORE_ASSIGN(const ConditionalPairs plan, PlanViews(family, items.size(), flags.plan));
  const auto announce = [&] {
    return AnnouncePhiCost(*backbone, items, items.size() + plan.images.size());
  };
  if (flags.dry_run) return announce();
  // What cannot be announced is reported where it matters: an unreadable image is skipped there.
  if (!flags.common.quiet) static_cast<void>(announce());
  AUGSTORE_ASSIGN(const Views views, EmbedPlan(*database, *backbone, family, items, flags));
  PrintSkipped(views.counts);
  AUGSTORE_ASSIGN(const TrainedTransform trained, Fit(family, views, flags));
  AUGSTORE_ASSIGN(const auto added,
                  RegisterTrained(database->client(), flags.name, backbone->record(),
                                  family.ToString(), trained, flags.alias));
  Print(added, views.counts, clock.seconds(), flags);
  return OkStatus();
}

void AddFlags(Command* command, ConditionalFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--ops", &flags->ops, "The family, separated by commas:\n" + ImageOp::Help())
      .Required();
  command->AddFlag("--slots", &flags->slots, "Most ops in one application").Range(1u, 2u);
  command->AddFlag("--name", &flags->name, "Name of the transform");
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest to learn from")
      .Required();
  command
      ->AddFlag("--limit", &flags->limit,
                "Use at most this many images, spread evenly (default: all)")
      .Positive();
  command
      ->AddFlag("--draws", &flags->plan.singles,
                "Single ops with random magnitudes for each image, in addition to every op at the "
                "ends of its ranges")
      .Range(0u, 64u);
  command->AddFlag("--chain-draws", &flags->plan.chains, "Chains of two random ops for each image")
      .Range(0u, 64u);
  command->AddFlag("--seed", &flags->fit.seed, "Seed of the held-out part and of the random views");
  command
      ->AddFlag("--validation", &flags->fit.validation_fraction,
                "Part of the images that is held out")
      .Range(0.01, 0.9);
  AddAliasFlags(command, &flags->alias);
  command->AddFlag("--dry-run", &flags->dry_run,
                   "Print how many Φ calls this takes and about how long, and stop");
}

}  // namespace

void AddTransformConditionalCommand(Command* group) {
  AddCommand<ConditionalFlags>(
      group, "train-conditional",
      "Learn one transform for a family of augmentations with any magnitudes, from images",
      "augstore transform train-conditional --store db --ops "
      "'hflip,vflip,rotate(-15..15),brightness(0.7..1.4)' --name geo --images photos/train "
      "--backbone backbone.pt\n\n"
      "Policies then ask for ops in brackets; a range is drawn anew for every sample and epoch:\n"
      "identity:1,geo[rotate(-15..15)]:1,geo[hflip>brightness(0.8..1.2)]:1",
      AddFlags, Train);
}

}  // namespace augstore
