// augstore transform train: embeds images with and without an op, fits Ω to the pairs, measures it,
// registers it.
#include <nlohmann/json.hpp>

#include "engine/fitting/families.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/pair_training.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

struct TrainFlags {
  CommonFlags common;
  BackboneFlags backbone;
  TransformTrainOptions options;
  std::string op;
  std::string name;
  std::string images;
  std::vector<std::string> check_images;
  AliasRequest alias;
  uint64_t limit = 0;
  bool mirror = false;
  LastBlocksFlags last_blocks;
};

struct Folder {
  std::string path;
  std::vector<ImageItem> items;
};

// --images, then each of --check-images. Listed first: a wrong path shall cost no embedding.
Result<std::vector<Folder>> ListFolders(const TrainFlags& flags) {
  std::vector<Folder> folders{{flags.images, {}}};
  for (const std::string& path : flags.check_images) folders.push_back({path, {}});
  for (Folder& folder : folders) {
    AUGSTORE_ASSIGN(ImageSource source, ListImages(folder.path));
    folder.items = SpreadItems(std::move(source.items), flags.limit);
  }
  return folders;
}

Result<Pairs> PairsOf(Database& database, LazyBackbone& backbone, const Folder& folder,
                      const ImageOp& op, const PairOptions& options, const TrainFlags& flags,
                      EmbedCounts* sums) {
  Result<Pairs> pairs =
      MakePairs(database, backbone, folder.items, op, !flags.common.quiet, options);
  if (!pairs.ok()) return pairs.status().WithContext(folder.path);
  PrintSkipped(pairs->counts);
  sums->Add(pairs->counts);
  return pairs;
}

void PrintTrained(const Versioned<TransformRecord>& added, const EmbedCounts& sums, double seconds,
                  const TrainFlags& flags) {
  Emit(flags.common, TrainedJson(added, flags.alias, Json::object(), sums, seconds),
       fmt::format("{}: {} for {}, {}\n{} images embedded, {} reused, {} skipped, {:.1f} s\n\n{}",
                   added.ref(), added.record.family, added.record.op,
                   LayersText(added.record.layers), sums.embedded, sums.reused, sums.skipped.size(),
                   seconds, CardTable(added.record.card)));
}

// Flags are checked before an image is embedded.
Status CheckFlags(TrainFlags* flags, const ImageOp& op) {
  if (flags->name.empty()) flags->name = DefaultTransformName(op.text());
  AUGSTORE_TRY(ValidateTransformName(flags->name));
  if (!flags->alias.alias.empty()) AUGSTORE_TRY(ValidateAlias(flags->alias.alias));
  return CheckTrainOptions(flags->options);
}

// Returns whether feature maps are needed, and sets where last_blocks starts.
Result<bool> PlanFeatureMaps(const BackboneRecord& backbone, const ImageOp& op, TrainFlags* flags) {
  const std::string& family = flags->options.family;
  const bool given = backbone.feature_map.values() > 0;
  const bool blocks_given = !flags->last_blocks.file.empty();
  if (FamilyNeedsLastBlocks(family) && !blocks_given) {
    return InvalidArgument(
        "--family {} starts at the last blocks of the backbone: name their TorchScript file with "
        "--last-blocks",
        family);
  }
  const bool asked = FamilyReadsFeatureMaps(family) || blocks_given;
  if (!asked && (family != kAutoFamily || !given || flags->mirror)) return false;
  if (!given) {
    return FailedPrecondition(
        "backbone '{}' returns no feature map, which {} needs: use a TorchScript file that returns "
        "(embedding, feature map)",
        backbone.source, blocks_given ? "--last-blocks" : "--family " + family);
  }
  if (blocks_given) {
    AUGSTORE_ASSIGN(flags->options.last_blocks,
                    StartOfLastBlocks(backbone, op, flags->last_blocks));
  }
  return true;
}

Status Train(TrainFlags flags) {
  AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(flags.op));
  AUGSTORE_TRY(CheckFlags(&flags, op));
  AUGSTORE_ASSIGN(const std::vector<Folder> folders, ListFolders(flags));
  const Stopwatch clock;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, database->client(), !flags.common.quiet));
  EmbedCounts sums;
  std::vector<Pairs> pairs;
  AUGSTORE_ASSIGN(const bool feature_maps, PlanFeatureMaps(backbone->record(), op, &flags));
  for (const Folder& folder : folders) {
    const PairOptions options{flags.mirror && pairs.empty(), feature_maps};
    AUGSTORE_ASSIGN(Pairs more, PairsOf(*database, *backbone, folder, op, options, flags, &sums));
    pairs.push_back(std::move(more));
  }
  AUGSTORE_ASSIGN(TrainedTransform trained,
                  TrainOnPairs(pairs[0], flags.options, !flags.common.quiet));
  for (size_t i = 1; i < folders.size(); ++i) {
    AUGSTORE_ASSIGN(CardEntry entry,
                    CheckTransform(FolderName(folders[i].path), trained.weights, pairs[i]));
    trained.card.entries.push_back(std::move(entry));
  }
  AUGSTORE_ASSIGN(const auto added,
                  RegisterTrained(database->client(), flags.name, backbone->record(), op.text(),
                                  trained, flags.alias));
  PrintTrained(added, sums, clock.seconds(), flags);
  WarnIfUseless(added.ref(), added.record.card);
  return OkStatus();
}

void AddFlags(Command* command, TrainFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--op", &flags->op, "The augmentation:\n" + ImageOp::Help()).Required();
  command->AddFlag("--name", &flags->name,
                   "Name of the transform (default: rotate15 for rotate(15))");
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest to learn from")
      .Required();
  command->AddFlag("--check-images", &flags->check_images,
                   "More images to measure it on, each an entry of the card");
  command
      ->AddFlag("--limit", &flags->limit,
                "Use at most this many images of each folder, spread evenly (default: all)")
      .Positive();
  AddAliasFlags(command, &flags->alias);
  command->AddFlag("--mirror", &flags->mirror,
                   "Learn from the mirror images of --images too: twice the embedding, a little "
                   "more fidelity");
  AddLastBlocksFlags(command, &flags->last_blocks);
  AddTrainingFlags(command, &flags->options);
}

}  // namespace

void AddTransformTrainCommand(Command* group) {
  AddCommand<TrainFlags>(
      group, "train", "Learn to imitate an augmentation on embeddings, from images",
      "augstore transform train --store db --op 'rotate(15)' --images cifar10/train --backbone "
      "backbone.pt "
      "--check-images cifar10/test --alias champion\n\n"
      "Embeddings of the images with and without the op are kept, so that another family or other "
      "settings train at once.",
      AddFlags, Train);
}

}  // namespace augstore
