// augstore transform train: embeds images with and without an op, fits Ω to the pairs, measures it,
// registers it.
#include <nlohmann/json.hpp>

#include "engine/fitting/families.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/transform/cmd_transform.h"
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

Result<TrainedTransform> TrainWithProgress(const Pairs& pairs, const TrainFlags& flags) {
  TransformTrainOptions options = flags.options;
  options.views = pairs.views;
  TrainingProgress progress(!flags.common.quiet);
  Result<TrainedTransform> trained =
      TrainTransform(pairs.z.view(), pairs.z_target.view(), options,
                     [&progress](const TransformProgress& state) { return progress.Update(state); },
                     {pairs.feature_maps.view(), pairs.feature_map});
  if (Interrupted()) {
    return InterruptedStatus(
        "no transform was registered; the embeddings are stored, so that the same command starts "
        "training at once");
  }
  return trained;
}

// Adds what the transform costs on this machine, next to its multiply-adds.
Status AddCost(const Pairs& pairs, TrainedTransform* trained) {
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(trained->weights));
  const std::unique_ptr<Engine> engine = NewTileEngine();
  const Matrix feature_maps = TimedRows(pairs.feature_maps.view());
  ChainScratch scratch;
  AUGSTORE_ASSIGN(const double micros,
                  MeasureMicrosPerRow(pairs.z.view(), [&](ConstMatrixView in, MatrixView out) {
                    const std::vector<SampleId> ids(in.rows);
                    return ApplyChain(*engine, {&step, 1}, {0, 0, ids}, {in, feature_maps.view()},
                                      out, &scratch);
                  }));
  trained->card.measures.push_back({"us_per_row", micros});
  return OkStatus();
}

void WarnIfUseless(const std::string& ref, const Card& card) {
  if (card.entries.empty() || card.entries.front().r2 > 0) return;
  const CardEntry& entry = card.entries.front();
  std::fflush(stdout);
  fmt::print(
      stderr,
      "augstore: warning: {} is no better than doing nothing on held-out pairs: G = {:.4f}, mse "
      "{:.5g} against {:.5g} of the identity; train on more images, or with {}\n",
      ref, entry.r2, entry.mse, entry.identity_mse,
      card.candidates.empty() ? "--family auto" : "another op");
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
  AUGSTORE_TRY(ValidateName(flags->name));
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
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  EmbedCounts sums;
  std::vector<Pairs> pairs;
  AUGSTORE_ASSIGN(const bool feature_maps, PlanFeatureMaps(backbone->record(), op, &flags));
  for (const Folder& folder : folders) {
    const PairOptions options{flags.mirror && pairs.empty(), feature_maps};
    AUGSTORE_ASSIGN(Pairs more, PairsOf(*database, *backbone, folder, op, options, flags, &sums));
    pairs.push_back(std::move(more));
  }
  AUGSTORE_ASSIGN(TrainedTransform trained, TrainWithProgress(pairs[0], flags));
  for (size_t i = 1; i < folders.size(); ++i) {
    AUGSTORE_ASSIGN(CardEntry entry,
                    CheckTransform(FolderName(folders[i].path), trained.weights, pairs[i]));
    trained.card.entries.push_back(std::move(entry));
  }
  AUGSTORE_TRY(AddCost(pairs[0], &trained));
  AUGSTORE_ASSIGN(const auto added,
                  RegisterTrained(database->client(), flags.name, backbone->record(), op.text(),
                                  trained, flags.alias));
  PrintTrained(added, sums, clock.seconds(), flags);
  WarnIfUseless(added.ref(), added.record.card);
  return OkStatus();
}

std::string FamilyHelp() {
  std::string text =
      "auto: fit every family, keep the table in the card, and take the best on held-out pairs, or "
      "a cheaper one that is not clearly 2 % worse; or one of these, cheapest first:";
  for (const Family& family : TransformFamilies())
    text += fmt::format("\n  {}: {}", family.name, family.formula);
  return text;
}

void AddTrainingFlags(Command* command, TransformTrainOptions* options) {
  std::vector<std::string> families = {std::string(kAutoFamily)};
  for (const Family& family : TransformFamilies()) families.emplace_back(family.name);
  command->AddFlag("--family", &options->family, FamilyHelp()).Choices(families);
  command->AddFlag("--seed", &options->seed,
                   "Seed of the held-out part and of the initial weights");
  command
      ->AddFlag("--last-blocks-epochs", &options->last_blocks_epochs,
                "Maximum epochs of last_blocks")
      .Range(1u, 1u << 20);
  command
      ->AddFlag("--epochs", &options->max_epochs,
                "Maximum epochs of " + FamilyNames([](const Family& family) {
                  return !family.closed_form && !family.needs_last_blocks;
                }))
      .Range(1u, 1u << 20);
  command->AddFlag("--patience", &options->patience, "Epochs without improvement before stopping");
  command->AddFlag("--batch-size", &options->batch_size, "Pairs of one step").Range(1u, 1u << 16);
  command->AddFlag("--lr", &options->learning_rate, "Learning rate (default: the family's)")
      .Positive();
  command->AddFlag("--weight-decay", &options->weight_decay, "Weight decay (default: the family's)")
      .AtLeast(0);
  command
      ->AddFlag(
          "--error-bank", &options->error_bank,
          "Errors z' - Ω(z) of held-out pairs to keep, so that policies may draw them (hflip~); "
          "0: none")
      .Range(0u, kMaxErrorBankRows);
  command->AddFlag("--validation", &options->validation_fraction,
                   "Part of the pairs that is held out");
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
