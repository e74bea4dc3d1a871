// augstore transform train-pairs | eval-pairs: transforms of embeddings whose images are not at
// hand, or whose augmentation augstore does not draw.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/transforms/precision.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/pair_training.h"

namespace augstore {
namespace {

struct TrainFlags {
  CommonFlags common;
  TransformTrainOptions options;
  std::string z;
  std::string z_target;
  std::string backbone;
  std::string name;
  AliasRequest alias;
};

struct EvalFlags {
  CommonFlags common;
  std::string ref;
  std::string z;
  std::string z_target;
  bool save = false;
};

Status Train(const TrainFlags& flags) {
  AUGSTORE_TRY(ValidateTransformName(flags.name));
  if (!flags.alias.alias.empty()) AUGSTORE_TRY(ValidateAlias(flags.alias.alias));
  AUGSTORE_TRY(CheckTrainOptions(flags.options));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kWrite));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto backbone, client.Get<BackboneRecord>(flags.backbone));
  AUGSTORE_ASSIGN(const Pairs pairs, ReadPairs(flags.z, flags.z_target, backbone.record));
  const Stopwatch clock;
  AUGSTORE_ASSIGN(const TrainedTransform trained,
                  TrainOnPairs(pairs, flags.options, !flags.common.quiet));
  AUGSTORE_ASSIGN(const auto added, RegisterTrained(client, flags.name, backbone.record, /*op=*/"",
                                                    trained, flags.alias));
  Json json = TrainedJson(added, flags.alias, {{"pairs", pairs.z.rows()}}, {}, clock.seconds());
  Emit(flags.common, json,
       fmt::format("{}: {}, {}\n{} pairs, {:.1f} s\n\n{}", added.ref(), added.record.family,
                   LayersText(added.record.layers), pairs.z.rows(), clock.seconds(),
                   CardTable(added.record.card)));
  WarnIfUseless(added.ref(), added.record.card);
  return OkStatus();
}

// The transform's card with what was measured now as its first entry.
Card WithEntry(Card card, const CardEntry& entry, const std::vector<CardMeasure>& losses) {
  std::erase_if(card.entries, [&](const CardEntry& old) { return old.data == entry.data; });
  card.entries.insert(card.entries.begin(), entry);
  card.measures = WithoutLosses(std::move(card.measures));
  card.measures.insert(card.measures.end(), losses.begin(), losses.end());
  return card;
}

Status Eval(const EvalFlags& flags) {
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.save ? StoreAccess::kWrite : StoreAccess::kRead));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto transform, client.Get<TransformRecord>(flags.ref));
  AUGSTORE_ASSIGN(const TransformWeights weights, client.GetWeights(transform.ref()));
  BackboneRecord backbone;
  backbone.digest = transform.record.backbone;
  backbone.dim = transform.record.dim;
  AUGSTORE_ASSIGN(const Pairs pairs, ReadPairs(flags.z, flags.z_target, backbone));
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(weights));
  AUGSTORE_ASSIGN(const CardEntry entry,
                  CheckTransform(FolderName(flags.z_target), weights, pairs));
  AUGSTORE_ASSIGN(const std::vector<CardMeasure> losses,
                  MeasureLosses(step, {pairs.z.view()}, pairs.z_target.view()));
  Card card;
  card.entries = {entry};
  Json json = {{"ref", transform.ref()},
               {"entry", CardEntryJson(entry)},
               {"measures", MeasuresJson(losses)},
               {"saved", nullptr}};
  std::string text =
      fmt::format("{}\n{}\n{}", transform.ref(), CardTable(card), MeasureTable(losses));
  if (flags.save) {
    AUGSTORE_ASSIGN(const uint32_t version,
                    RegisterTransform(client, transform.name, backbone, transform.record.op,
                                      transform.record.family, weights,
                                      WithEntry(transform.record.card, entry, losses)));
    const std::string saved = fmt::format("{}@{}", transform.name, version);
    json["saved"] = saved;
    text += fmt::format("\nsaved as {}\n", saved);
  }
  Emit(flags.common, json, text);
  return OkStatus();
}

template <typename Flags>
void AddFiles(Command* command, Flags* flags) {
  command->AddFlag("z", &flags->z, ".npy file, n x d: embeddings of images").Required();
  command
      ->AddFlag("z2", &flags->z_target,
                ".npy file, n x d: embeddings of the same images, augmented, row for row")
      .Required();
}

}  // namespace

void AddTransformPairsCommands(Command* group) {
  AddCommand<TrainFlags>(
      group, "train-pairs", "Learn an augmentation from pairs of embeddings, without images",
      "augstore transform train-pairs z.npy z2.npy --backbone clip --name cutout --store db "
      "--alias champion\n\n"
      "For embeddings that came by `import`, and for augmentations that augstore does not draw. "
      "Use "
      "images that no head is tested on.",
      [](Command* command, TrainFlags* flags) {
        AddFiles(command, flags);
        command
            ->AddFlag("--backbone", &flags->backbone,
                      "Registered backbone that made the embeddings, such as clip")
            .Required();
        command->AddFlag("--name", &flags->name, "Name of the transform").Required();
        AddAliasFlags(command, &flags->alias);
        AddTrainingFlags(command, &flags->options);
      },
      Train);
  AddCommand<EvalFlags>(
      group, "eval-pairs", "Measure a transform on pairs of embeddings",
      "augstore transform eval-pairs cutout@1 z.npy z2.npy --store db\n\n"
      "Name pairs that it was not trained on. Conditional and spatial transforms are measured on "
      "images: `transform eval`.",
      [](Command* command, EvalFlags* flags) {
        command->AddFlag("transform", &flags->ref, "name, name@version or name@alias").Required();
        AddFiles(command, flags);
        command->AddFlag("--save", &flags->save,
                         "Register a new version: the same weights with what was measured as the "
                         "first entry of its card");
      },
      Eval);
}

}  // namespace augstore
