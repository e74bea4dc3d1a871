// augstore view add: Φ(g(x)) of every sample of a collection, in a new version of it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/images/image_source.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/stream_flags.h"
#include "tools/collection/phi_cost.h"
#include "tools/collection/view_embedder.h"

namespace augstore {
namespace {

struct ViewFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string collection;
  std::string images;
  SplitFlag split;
  std::string law;
  std::optional<uint64_t> random;  // default: 1
  std::optional<uint64_t> seed;    // default: 0
  std::vector<std::string> ops;
  uint64_t max_skipped = 0;
  bool dry_run = false;
};

// The sets that the flags ask for.
Result<std::vector<ViewSet>> AskedFor(const ViewFlags& flags) {
  if (flags.law.empty() && flags.ops.empty()) {
    return InvalidArgument(
        "name the views: --law 'rotate(-30..30)>brightness(0.7..1.4)' --random 2, or --ops "
        "'rotate(30),vflip'");
  }
  if (flags.law.empty() && (flags.random.has_value() || flags.seed.has_value())) {
    return InvalidArgument("--random and --seed say how --law draws, and there is no --law");
  }
  if (flags.random.value_or(1) > kMaxViews) {
    return InvalidArgument("--random {}: at most {} views of a sample are possible", *flags.random,
                           kMaxViews);
  }
  std::vector<ViewSet> sets;
  if (!flags.law.empty()) {
    AUGSTORE_ASSIGN(const OpPattern law, OpPattern::Parse(flags.law));
    if (law.fixed()) {
      return InvalidArgument("--law {} has no range to draw from: give it as --ops", flags.law);
    }
    sets.push_back(
        {flags.law, static_cast<uint32_t>(flags.random.value_or(1)), flags.seed.value_or(0)});
  }
  for (const std::string& op : flags.ops) {
    AUGSTORE_ASSIGN(const OpPattern law, OpPattern::Parse(op));
    if (!law.fixed()) {
      return InvalidArgument("--ops {} has a range, which is drawn from: give it as --law", op);
    }
    sets.push_back({op, 1, 0});
  }
  return sets;
}

Json ToJson(const CollectionImages& of, const std::vector<ViewSet>& sets, uint64_t calls) {
  return {{"collection", of.collection.ref()},
          {"views", ViewsJson(sets)},
          {"samples", of.collection.record.samples},
          {"phi_calls", calls}};
}

// What will be asked of Φ, and how much is stored for it. Errors: those of MeasurePhi.
Status Announce(const CollectionImages& of, const std::vector<ViewLaw>& laws, uint64_t calls,
                LazyBackbone& backbone, std::span<const HashedItem> items) {
  std::vector<ImageItem> some;
  for (const HashedItem& item : items.first(std::min<size_t>(items.size(), 32))) {
    some.push_back(item.item);
  }
  const CollectionRecord& record = of.collection.record;
  const uint64_t bytes = calls * RowBytes(record.dtype, record.dim);
  AUGSTORE_ASSIGN(const double rate, MeasurePhi(backbone, some));
  fmt::print(stderr, "{} views of each of {} samples, of which {} are not stored yet ({}); {}",
             CountViews(SetsOf(laws)), of.chosen.size(), calls,
             HumanBytes(static_cast<double>(bytes)), PhiCostText({items.size(), calls, rate}));
  return OkStatus();
}

// Errors: kFailedPrecondition (it is not the backbone of the collection; nothing is registered).
Result<std::unique_ptr<LazyBackbone>> OpenBackbone(ViewFlags flags, Client& client) {
  AUGSTORE_ASSIGN(const auto latest, client.Get<CollectionRecord>(flags.collection));
  AUGSTORE_ASSIGN(const Digest digest, Sha256File(flags.backbone.file));
  if (digest != latest.record.backbone) {
    return FailedPrecondition(
        "collection '{}' is of another backbone than --backbone {}: views are made by the same Φ "
        "as its embeddings",
        latest.ref(), flags.backbone.file);
  }
  flags.backbone.dtype = latest.record.dtype;
  return LazyBackbone::Open(flags.backbone, client, !flags.common.quiet);
}

// Says what the missing views cost, and embeds them; with --dry-run only says it. Errors:
// kFailedPrecondition (more than --max-skipped views are still missing).
Result<EmbedCounts> EmbedWhatIsMissing(const ViewFlags& flags, Database& database,
                                       LazyBackbone& backbone, const CollectionImages& of,
                                       const std::vector<ViewLaw>& laws,
                                       const std::vector<MissingViews>& missing) {
  Client& client = database.client();
  const bool show = !flags.common.quiet;
  EmbedCounts counts;
  if (missing.empty()) return counts;
  AUGSTORE_ASSIGN(const ImageSource source, ListImages(flags.images));
  AUGSTORE_ASSIGN(const std::vector<HashedItem> items,
                  ItemsOfMissing(client, of, missing, source.items, backbone.threads(), show));
  if (show || flags.dry_run) {
    AUGSTORE_TRY(Announce(of, laws, CountMissing(missing), backbone, items));
  }
  if (flags.dry_run) return counts;
  AUGSTORE_ASSIGN(counts, EmbedMissing(database, backbone, laws, missing, items, show));
  PrintSkipped(counts);
  AUGSTORE_ASSIGN(const std::vector<MissingViews> still,
                  FindMissingViews(client, of, laws, /*show=*/false));
  if (CountMissing(still) <= flags.max_skipped) return counts;
  return FailedPrecondition(
      "{} views could not be made, and --max-skipped is {}: no version of '{}' was made (what was "
      "embedded is stored)",
      CountMissing(still), flags.max_skipped, flags.collection);
}

Status AddViews(const ViewFlags& flags) {
  AUGSTORE_ASSIGN(const std::vector<ViewSet> asked, AskedFor(flags));
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.dry_run ? StoreAccess::kRead : StoreAccess::kWrite));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto backbone, OpenBackbone(flags, client));
  const Stopwatch clock;
  const bool show = !flags.common.quiet;
  AUGSTORE_ASSIGN(const auto latest, client.Get<CollectionRecord>(flags.collection));
  AUGSTORE_ASSIGN(
      const CollectionImages of,
      ReadImages(client, flags.collection, SplitOrDefault(flags.split, latest.record), show));
  AUGSTORE_ASSIGN(const std::vector<ViewLaw> laws, WithSets(of.collection.record.views, asked));
  AUGSTORE_ASSIGN(const std::vector<MissingViews> missing,
                  FindMissingViews(client, of, laws, show));
  AUGSTORE_ASSIGN(const EmbedCounts counts,
                  EmbedWhatIsMissing(flags, *database, *backbone, of, laws, missing));
  Json json = ToJson(of, SetsOf(laws), CountMissing(missing));
  if (flags.dry_run) {
    Emit(flags.common, json,
         fmt::format("{} would have: {}; {} Φ calls\nnothing was changed\n", flags.collection,
                     ViewsText(SetsOf(laws)), CountMissing(missing)));
    return OkStatus();
  }
  AUGSTORE_ASSIGN(const WrittenViews written, WriteViews(client, of, laws, show));
  json.update({{"collection", written.ref},
               {"digest", written.record.digest.Hex()},
               {"viewed", written.record.viewed},
               {"embedded", counts.embedded},
               {"unchanged", written.unchanged},
               {"seconds", clock.seconds()}});
  Emit(flags.common, json,
       fmt::format("{}{}: {}; {} of {} samples have all of them; {} views embedded, {:.1f} s\n",
                   written.ref, written.unchanged ? " (unchanged)" : "",
                   ViewsText(written.record.views), written.record.viewed, written.record.samples,
                   counts.embedded, clock.seconds()));
  return OkStatus();
}

void AddFlags(Command* command, ViewFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--collection", &flags->collection, "Name of the collection").Required();
  command->AddFlag("--images", &flags->images, "Where its images are: as for ingest").Required();
  command->AddFlag("--split", &flags->split,
                   "Samples that get views; '' for all (default: train, if the collection has it, "
                   "else all)");
  command->AddFlag("--law", &flags->law,
                   "Image ops, whose ranges are drawn for each image and view: "
                   "'rotate(-30..30)>brightness(0.7..1.4)'");
  command->AddFlag("--random", &flags->random, "Views of each sample that --law draws (default: 1)")
      .Positive();
  command->AddFlag("--seed", &flags->seed, "Of those draws (default: 0)");
  command->AddFlag("--ops", &flags->ops, "Fixed views, one of each op: 'rotate(30),vflip'")
      .Commas();
  command->AddFlag("--max-skipped", &flags->max_skipped,
                   "Views to leave out at most, because Φ fails for them or the file has changed");
  command->AddFlag("--dry-run", &flags->dry_run, "Only say what would be embedded and stored");
}

}  // namespace

void AddViewAddCommand(Command* group) {
  AddCommand<ViewFlags>(
      group, "add", "Embed views of the images of a collection, once, for policies to draw",
      "augstore view add --store db --collection photos --images photos/ --backbone backbone.pt "
      "--law 'rotate(-30..30)>brightness(0.7..1.4)' --random 2\n\n"
      "Commits a version of the collection that has them. Policies then draw them: 'views:1' (any "
      "of a sample), 'view(vflip):1'\n(of one law), 'views>blur:1' (a transform of one).\n"
      "A view that is stored is never embedded again; after an interruption, or when images came "
      "since, run the same command again.",
      AddFlags, AddViews);
}

}  // namespace augstore
