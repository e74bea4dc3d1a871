#include "tools/compare/compare_transforms.h"

#include <algorithm>

#include "engine/fitting/families.h"
#include "schemas/base/digest.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

// Identifies the pairs that a transform was fitted on: a later run recognises the transform by it,
// whatever folder the images came from.
std::string PairsText(const Pairs& pairs) {
  DigestBuilder digest;
  for (const Matrix* matrix : {&pairs.z, &pairs.z_target}) {
    digest.AddU64(matrix->rows());
    digest.AddBytes({reinterpret_cast<const uint8_t*>(matrix->data()),
                     matrix->rows() * matrix->cols() * sizeof(float)});
  }
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

class TransformMaker {
 public:
  TransformMaker(const CompareFlags& flags, Database& database, LazyBackbone& backbone,
                 Trials& trials)
      : flags_(flags), database_(database), backbone_(backbone), trials_(trials) {}

  Status MakeAll(const std::string& op_text, const std::vector<ImageItem>& base,
                 const std::vector<ImageItem>& test, std::vector<CompareTransform>* out) {
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(op_text));
    const bool show = !flags_.common.quiet;
    const PairOptions options{.feature_maps =
                                  std::ranges::any_of(flags_.families, FamilyReadsFeatureMaps)};
    AUGSTORE_ASSIGN(const Pairs pairs, MakePairs(database_, backbone_, base, op, show, options));
    AUGSTORE_ASSIGN(const Pairs check, MakePairs(database_, backbone_, test, op, show, options));
    for (const std::string& family : flags_.families) {
      AUGSTORE_ASSIGN(CompareTransform made, MakeOne(op, family, pairs, check));
      out->push_back(std::move(made));
    }
    return OkStatus();
  }

 private:
  Result<CompareTransform> MakeOne(const ImageOp& op, const std::string& family, const Pairs& pairs,
                                   const Pairs& check) {
    Client& client = trials_.client();
    const std::string name = family + "-" + DefaultTransformName(op.text());
    std::string pairs_text = PairsText(pairs);
    if (FamilyNeedsLastBlocks(family)) {
      pairs_text += fmt::format(", rank {}, side {}", flags_.last_blocks.rank,
                                flags_.last_blocks.feature_map_side);
    }
    const std::string check_name = FolderName(flags_.test);
    AUGSTORE_ASSIGN(const auto known, client.List<TransformRecord>(name));
    if (const KnownTransform* found = FindTrained(known, backbone_.record().digest, pairs_text)) {
      CompareTransform transform{op.text(), family, found->ref(), found->record.card};
      AUGSTORE_ASSIGN(const TransformWeights weights, client.GetWeights(transform.ref));
      AUGSTORE_ASSIGN(CardEntry entry, CheckTransform(check_name, weights, check));
      // The test images may differ from those of the earlier run.
      std::erase_if(transform.card.entries,
                    [](const CardEntry& old) { return old.data != "held-out"; });
      transform.card.entries.push_back(std::move(entry));
      return transform;
    }
    TransformTrainOptions options;
    options.family = family;
    if (FamilyNeedsLastBlocks(family)) {
      AUGSTORE_ASSIGN(options.last_blocks,
                      StartOfLastBlocks(backbone_.record(), op, flags_.last_blocks));
    }
    AUGSTORE_ASSIGN(TrainedTransform trained, Train(name, options, pairs));
    AUGSTORE_ASSIGN(CardEntry entry, CheckTransform(check_name, trained.weights, check));
    trained.card.entries.push_back(std::move(entry));
    trained.card.notes += (trained.card.notes.empty() ? "" : ", ") + pairs_text;
    AUGSTORE_ASSIGN(const uint32_t version,
                    RegisterTransform(client, name, backbone_.record(), op.text(), trained.family,
                                      trained.weights, trained.card));
    return CompareTransform{op.text(), family, name + "@" + std::to_string(version), trained.card};
  }

  Result<TrainedTransform> Train(const std::string& name, const TransformTrainOptions& options,
                                 const Pairs& pairs) const {
    if (!flags_.common.quiet) fmt::print(stderr, "transform {} ({})\n", name, options.family);
    TrainingProgress progress(!flags_.common.quiet);
    PairFeatureMaps feature_maps;
    if (FamilyReadsFeatureMaps(options.family))
      feature_maps = {pairs.feature_maps.view(), pairs.feature_map};
    Result<TrainedTransform> trained = TrainTransform(
        pairs.z.view(), pairs.z_target.view(), options,
        [&progress](const TransformProgress& state) { return progress.Update(state); },
        feature_maps);
    if (Interrupted())
      return InterruptedStatus("embeddings are stored: run the same command again to go on");
    return trained;
  }

  const CompareFlags& flags_;
  Database& database_;
  LazyBackbone& backbone_;
  Trials& trials_;
};

}  // namespace

Result<std::vector<CompareTransform>> PrepareTransforms(const CompareFlags& flags,
                                                        Database& database, LazyBackbone& backbone,
                                                        Trials& trials,
                                                        const std::vector<ImageItem>& base,
                                                        const std::vector<ImageItem>& test) {
  TransformMaker maker(flags, database, backbone, trials);
  std::vector<CompareTransform> transforms;
  for (const std::string& op : flags.ops) AUGSTORE_TRY(maker.MakeAll(op, base, test, &transforms));
  return transforms;
}

}  // namespace augstore
