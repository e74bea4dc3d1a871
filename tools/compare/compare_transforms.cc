#include "tools/compare/compare_transforms.h"

#include <algorithm>

#include "engine/fitting/families.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

// Identifies the pairs that a transform was fitted on: a later run recognises the transform by it,
// whatever folder the images came from.
std::string PairsText(const Pairs& pairs) {
  DigestBuilder digest;
  AddMatrix(pairs.z, &digest);
  AddMatrix(pairs.z_target, &digest);
  return "compare, pairs " + digest.Finish().Hex().substr(0, 32);
}

using KnownTransform = Versioned<TransformRecord>;

const KnownTransform* FindTrained(const std::vector<KnownTransform>& known, const Digest& backbone,
                                  const std::string& pairs) {
  for (auto entry = known.rbegin(); entry != known.rend(); ++entry) {
    const TransformRecord& record = entry->record;
    if (record.backbone == backbone && record.card.notes.find(pairs) != std::string::npos) {
      return &*entry;
    }
  }
  return nullptr;
}

Result<TrainedTransform> Fit(const std::string& name, const TransformTrainOptions& options,
                             const Pairs& pairs, bool show) {
  if (show) fmt::print(stderr, "transform {} ({})\n", name, options.family);
  TrainingProgress progress(show);
  PairFeatureMaps feature_maps;
  if (FamilyReadsFeatureMaps(options.family))
    feature_maps = {pairs.feature_maps.view(), pairs.feature_map};
  Result<TrainedTransform> trained = TrainTransform(
      pairs.z.view(), pairs.z_target.view(), options,
      [&progress](const TransformProgress& state) { return progress.Update(state); }, feature_maps);
  if (Interrupted())
    return InterruptedStatus("embeddings are stored: run the same command again to go on");
  return trained;
}

// Finds the transform in the trials, or fits it on `pairs`; measures it on `check`.
Result<CompareTransform> MakeTransform(const ExperimentFlags& flags, Trials& trials,
                                       const ImageOp& op, const std::string& family,
                                       const Pairs& pairs, const Pairs& check) {
  Client& client = trials.client();
  const std::string name = family + "-" + DefaultTransformName(op.text());
  std::string pairs_text = PairsText(pairs);
  TransformTrainOptions options;
  options.family = family;
  if (FamilyNeedsLastBlocks(family)) {
    pairs_text += fmt::format(", rank {}, side {}", flags.last_blocks.rank,
                              flags.last_blocks.feature_map_side);
  }
  const std::string check_name = FolderName(flags.test);
  AUGSTORE_ASSIGN(const auto known, client.List<TransformRecord>(name));
  if (const KnownTransform* found = FindTrained(known, trials.space().digest, pairs_text)) {
    CompareTransform transform{op.text(), family, found->ref(), found->record.card};
    AUGSTORE_ASSIGN(const TransformWeights weights, client.GetWeights(transform.ref));
    AUGSTORE_ASSIGN(CardEntry entry, CheckTransform(check_name, weights, check));
    // The test images may differ from those of the earlier run.
    std::erase_if(transform.card.entries,
                  [](const CardEntry& old) { return old.data != "held-out"; });
    transform.card.entries.push_back(std::move(entry));
    return transform;
  }
  if (FamilyNeedsLastBlocks(family)) {
    AUGSTORE_ASSIGN(options.last_blocks, StartOfLastBlocks(trials.space(), op, flags.last_blocks));
  }
  AUGSTORE_ASSIGN(TrainedTransform trained, Fit(name, options, pairs, trials.show_progress));
  AUGSTORE_ASSIGN(CardEntry entry, CheckTransform(check_name, trained.weights, check));
  trained.card.entries.push_back(std::move(entry));
  trained.card.notes += (trained.card.notes.empty() ? "" : ", ") + pairs_text;
  AUGSTORE_ASSIGN(const uint32_t version,
                  RegisterTransform(client, name, trials.space(), op.text(), trained.family,
                                    trained.weights, trained.card));
  return CompareTransform{op.text(), family, name + "@" + std::to_string(version), trained.card};
}

}  // namespace

Status CheckTransformFlags(ExperimentFlags* flags) {
  for (std::string& op : flags->ops) {
    std::erase(op, ' ');
    AUGSTORE_ASSIGN(const ImageOp parsed, ImageOp::Parse(op));
    op = parsed.text();
  }
  for (const std::string& family : flags->families) {
    if (family == kAutoFamily) continue;
    if (FindFamily(family) == nullptr) {
      return InvalidArgument("--families: there is no family '{}'; there are auto, {}", family,
                             FamilyNames([](const Family&) { return true; }));
    }
    if (FamilyNeedsLastBlocks(family) && flags->last_blocks.file.empty()) {
      return InvalidArgument(
          "--families {} starts at the backbone's last blocks: name their file "
          "with --last-blocks",
          family);
    }
  }
  return OkStatus();
}

Result<std::vector<CompareTransform>> PrepareTransforms(const ExperimentFlags& flags,
                                                        Trials& trials,
                                                        const std::vector<ImageItem>& base,
                                                        const std::vector<ImageItem>& test) {
  const PairOptions options{.feature_maps =
                                std::ranges::any_of(flags.families, FamilyReadsFeatureMaps)};
  const auto pairs_of = [&](const std::vector<ImageItem>& items, const ImageOp& op) {
    return MakePairs(*trials.source, *trials.backbone, items, op, trials.show_progress, options);
  };
  std::vector<CompareTransform> transforms;
  for (const std::string& text : flags.ops) {
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(text));
    AUGSTORE_ASSIGN(const Pairs pairs, pairs_of(base, op));
    AUGSTORE_ASSIGN(const Pairs check, pairs_of(test, op));
    for (const std::string& family : flags.families) {
      AUGSTORE_ASSIGN(CompareTransform made,
                      MakeTransform(flags, trials, op, family, pairs, check));
      transforms.push_back(std::move(made));
    }
  }
  return transforms;
}

}  // namespace augstore
