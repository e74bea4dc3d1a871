// augstore transform eval: measures a transform again, on images that the caller names.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/transforms/precision.h"
#include "schemas/base/digest.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/transform/transform_eval.h"

namespace augstore {
namespace {

struct EvalFlags {
  CommonFlags common;
  BackboneFlags backbone;
  TransformEvalOptions options;
  std::string ref;
  std::string images;
  std::string op;
  std::string chain;
  uint64_t limit = 0;
  bool save = false;
};

Status CheckBackbone(const LoadedTransform& transform, const std::string& file,
                     const Digest& digest) {
  if (transform.record.backbone == digest) return OkStatus();
  return FailedPrecondition(
      "{} belongs to the backbone with digest {}, but {} has digest {}: give the file that its "
      "embeddings were made with as --backbone",
      transform.ref, transform.record.backbone.Hex(), file, digest.Hex());
}

// What was measured now comes first, and replaces what was measured on the same data before.
Card MergedCard(const LoadedTransform& transform, uint64_t multiply_adds,
                const TransformEvaluation& result) {
  Card card = transform.record.card;
  card.multiply_adds = multiply_adds;
  card.measures = WithoutLosses(std::move(card.measures));
  std::erase_if(card.entries, [&](const CardEntry& old) { return old.data == result.entry.data; });
  card.entries.insert(card.entries.begin(), result.entry);
  for (const CardMeasure& measure : result.measures) {
    const auto old = std::ranges::find(card.measures, measure.name, &CardMeasure::name);
    if (old == card.measures.end()) {
      card.measures.push_back(measure);
    } else {
      old->value = measure.value;
    }
  }
  return card;
}

// Registers the same weights with the new card; gives its ref.
Result<std::string> Save(Client& client, const LoadedTransform& transform,
                         const TransformEvaluation& result) {
  AUGSTORE_ASSIGN(const TransformWeights weights, client.GetWeights(transform.ref));
  TransformRecord record = transform.record;
  if (record.op.empty()) record.op = transform.op.text();
  record.card = MergedCard(transform, weights.MultiplyAdds(), result);
  record.created_unix_s = 0;  // now
  AUGSTORE_ASSIGN(const uint32_t version, client.Add(RecordKind::kTransform, transform.name,
                                                     Encode(record), weights.ToSafetensors()));
  return transform.name + "@" + std::to_string(version);
}

Json ChainJson(const TransformEvaluation& result) {
  if (!result.chain) return nullptr;
  const ChainEvaluation& chain = *result.chain;
  return {{"second", chain.second},
          {"op", chain.op},
          {"r2", chain.chain.r2},
          {"r2_low", chain.chain.r2_low},
          {"r2_high", chain.chain.r2_high},
          {"first_r2", result.entry.r2},
          {"second_r2", chain.second_alone.r2}};
}

Json ResultJson(const LoadedTransform& transform, const TransformEvaluation& result,
                const std::string& saved, double seconds) {
  Json json = {{"ref", transform.ref},
               {"op", transform.op.text()},
               {"entry", CardEntryJson(result.entry)},
               {"measures", MeasuresJson(result.measures)},
               {"inverse", TextOrNull(result.inverse)},
               {"chain", ChainJson(result)},
               {"saved", TextOrNull(saved)}};
  json.update(EmbedJson(result.counts));
  json["seconds"] = seconds;
  return json;
}

std::string ResultText(const LoadedTransform& transform, const TransformEvaluation& result,
                       const std::string& saved, double seconds) {
  Card card;
  card.entries = {result.entry};
  std::string text =
      fmt::format("{} as {}: {} views embedded, {} reused, {} images skipped, {:.1f} s\n\n{}",
                  transform.step, transform.op.text(), result.counts.embedded, result.counts.reused,
                  result.counts.skipped.size(), seconds, CardTable(card));
  if (result.chain) {
    const CardEntry& both = result.chain->chain;
    text += fmt::format("\nchain {}>{} for {}: G {}; alone {:.4f} and {:.4f}\n", transform.step,
                        result.chain->second, result.chain->op,
                        R2Text(both.r2, both.r2_low, both.r2_high), result.entry.r2,
                        result.chain->second_alone.r2);
  }
  if (!result.inverse.empty()) text += fmt::format("\nway back with {}\n", result.inverse);
  text += "\n" + MeasureTable(result.measures);
  if (!saved.empty()) text += fmt::format("\nsaved as {}\n", saved);
  return text;
}

Status Eval(const EvalFlags& flags) {
  if (!flags.op.empty()) AUGSTORE_TRY(ImageOp::ParseSequence(flags.op));
  AUGSTORE_ASSIGN(ImageSource source, ListImages(flags.images));
  const std::vector<ImageItem> items = SpreadItems(std::move(source.items), flags.limit);
  AUGSTORE_ASSIGN(const Digest digest, Sha256File(flags.backbone.file));
  const Stopwatch clock;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const LoadedTransform transform, LoadTransform(client, flags.ref, flags.op));
  AUGSTORE_TRY(CheckBackbone(transform, flags.backbone.file, digest));
  std::optional<LoadedTransform> second;
  if (!flags.chain.empty()) {
    AUGSTORE_ASSIGN(second, LoadChainStep(client, flags.chain, digest));
    AUGSTORE_TRY(CheckBackbone(*second, flags.backbone.file, digest));
  }
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, client, !flags.common.quiet));
  TransformEvalOptions options = flags.options;
  options.show_progress = !flags.common.quiet;
  std::string data = FolderName(flags.images);
  if (transform.model.ops) data += " [" + transform.op.text() + "]";
  AUGSTORE_ASSIGN(const TransformEvaluation result,
                  EvaluateTransform(*database, *backbone, transform, second ? &*second : nullptr,
                                    items, data, options));
  PrintSkipped(result.counts);
  std::string saved;
  if (flags.save) {
    AUGSTORE_ASSIGN(saved, Save(client, transform, result));
  }
  const double seconds = clock.seconds();
  Emit(flags.common, ResultJson(transform, result, saved, seconds),
       ResultText(transform, result, saved, seconds));
  return OkStatus();
}

void AddMeasureFlags(Command* command, EvalFlags* flags) {
  command
      ->AddFlag("--limit", &flags->limit,
                "Use at most this many images, spread evenly (default: all)")
      .Positive();
  command->AddFlag("--retrieval", &flags->options.retrieval,
                   "Images whose true view is ranked among 50 views of other ops and images, which "
                   "costs some Φ calls for each; 0: none");
  command->AddFlag("--seed", &flags->options.seed,
                   "Seed of the choice of other images among the 50 views");
  command->AddFlag("--chain", &flags->chain,
                   "Measure the chain of the transform and this one as well");
  command->AddFlag("--save", &flags->save,
                   "Register a new version: the same weights with what was measured as the first "
                   "entry of its card");
}

void AddFlags(Command* command, EvalFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("transform", &flags->ref, "name, name@version or name@alias").Required();
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest").Required();
  command->AddFlag("--op", &flags->op,
                   "What it imitates, where it was registered without that; of a conditional "
                   "transform what it is asked for, such as 'hflip>rotate(10)':\n" +
                       ImageOp::Help());
  AddMeasureFlags(command, flags);
}

}  // namespace

void AddTransformEvalCommand(Command* group) {
  AddCommand<EvalFlags>(
      group, "eval", "Measure a transform on images",
      "augstore transform eval rotate15@2 --images cifar10/test --backbone backbone.pt --store db "
      "--chain hflip@champion\n\n"
      "Name images that the transform was not trained on. Views that are stored are not embedded "
      "again. With --save a transform that was registered as weights gets a card, without which no "
      "alias moves to it.",
      AddFlags, Eval);
}

}  // namespace augstore
