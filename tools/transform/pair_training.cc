#include "tools/transform/pair_training.h"

#include "engine/fitting/families.h"
#include "engine/fitting/pairs.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/weights/npy.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

Result<TrainedTransform> TrainWithProgress(const Pairs& pairs, TransformTrainOptions options,
                                           bool show) {
  options.views = pairs.views;
  TrainingProgress progress(show);
  Result<TrainedTransform> trained =
      TrainTransform(pairs.z.view(), pairs.z_target.view(), options,
                     [&progress](const TransformProgress& state) { return progress.Update(state); },
                     {pairs.feature_maps.view(), pairs.feature_map});
  if (Interrupted()) {
    return InterruptedStatus(
        "no transform was registered; embeddings that were made are stored, so that the same "
        "command starts training at once");
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

std::string FamilyHelp() {
  std::string text =
      "auto: fit every family, keep the table in the card, and take the best on held-out pairs, or "
      "a cheaper one that is not clearly 2 % worse; or one of these, cheapest first:";
  for (const Family& family : TransformFamilies())
    text += fmt::format("\n  {}: {}", family.name, family.formula);
  return text;
}

}  // namespace

Result<TrainedTransform> TrainOnPairs(const Pairs& pairs, const TransformTrainOptions& options,
                                      bool show) {
  AUGSTORE_ASSIGN(TrainedTransform trained, TrainWithProgress(pairs, options, show));
  AUGSTORE_TRY(AddCost(pairs, &trained));
  return trained;
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

Result<Pairs> ReadPairs(const std::string& z, const std::string& z_target,
                        const BackboneRecord& backbone) {
  Pairs pairs;
  AUGSTORE_ASSIGN(pairs.z, ReadNpyMatrix(z));
  AUGSTORE_ASSIGN(pairs.z_target, ReadNpyMatrix(z_target));
  for (const auto& [path, matrix] :
       {std::pair(&z, &pairs.z), std::pair(&z_target, &pairs.z_target)}) {
    if (matrix->cols() != backbone.dim) {
      return InvalidArgument("{} has {} columns, but embeddings of the backbone have {}", *path,
                             matrix->cols(), backbone.dim);
    }
    AUGSTORE_TRY(CheckFinite(matrix->view(), *path));
  }
  if (pairs.z.rows() != pairs.z_target.rows() || pairs.z.rows() == 0) {
    return InvalidArgument(
        "{} has {} rows and {} has {}: row i of both is the same image, without and with the "
        "augmentation",
        z, pairs.z.rows(), z_target, pairs.z_target.rows());
  }
  return pairs;
}

}  // namespace augstore
