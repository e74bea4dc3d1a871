#include "tools/paper/paper_transforms.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/fitting/families.h"
#include "engine/images/op_pattern.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"
#include "tools/cli/table.h"
#include "tools/collection/proven_transform.h"
#include "tools/compare/compare_report.h"
#include "tools/compare/compare_transforms.h"
#include "tools/paper/paper_data.h"
#include "tools/policy/policy_candidates.h"

namespace augstore {
namespace {

constexpr char kNoise[] = "identity";  // its errors are displacements of other images

// A policy with a step for every op; of the conditional transform where `family` says so.
std::string Policy(const PaperFlags& flags, const PaperTransforms& transforms,
                   const std::string& family, const std::string& suffix = "") {
  std::vector<std::string> steps;
  if (family == "conditional") {
    for (const std::string& op : flags.ops)
      steps.push_back(fmt::format("{}[{}]{}", transforms.conditional, op, suffix));
  }
  for (const CompareTransform& transform : transforms.separate) {  // in the order of the ops
    if (transform.family == family) steps.push_back(transform.ref + suffix);
  }
  AUGSTORE_CHECK(steps.size() == flags.ops.size());
  return EvenPolicy(steps);
}

std::string FamilyTitle(const std::string& family) {
  if (family == "paper_mlp") return "the paper's MLP (paper_mlp)";
  return family == "auto" ? "the best family (auto)" : family;
}

std::string AtUpperEnds(OpTerm term) {
  for (OpTerm::Range& range : term.parameters) range.low = range.high;
  return term.ToString();
}

// Every op at the ends of its range and half way to them; ops with several parameters only at the
// upper ends.
std::vector<std::string> SingleOps(const OpFamily& family) {
  std::vector<std::string> ops;
  for (const OpTerm& term : family.terms()) {
    if (term.parameters.size() != 1) {
      ops.push_back(AtUpperEnds(term));
      continue;
    }
    const double neutral = ImageOp::NeutralParameters(term.name)[0];
    const OpTerm::Range range = term.parameters[0];
    for (const double end : {range.low, range.high}) {
      if (end == neutral) continue;
      for (const double value : {end, (end + neutral) / 2})
        ops.push_back(OpTerm{term.name, {{value, value}}}.ToString());
    }
  }
  return ops;
}

class ConditionalTable {
 public:
  ConditionalTable(const PaperFlags& flags, Trials& trials)
      : flags_(flags), trials_(trials), engine_(NewTileEngine()) {}

  Result<std::string> Make(const std::string& ref) {
    AUGSTORE_ASSIGN(TransformWeights weights, trials_.client().GetWeights(ref));
    AUGSTORE_ASSIGN(const OpFamily family, OpFamily::Parse(weights.ops, weights.slots));
    AUGSTORE_ASSIGN(model_, MakeTransformModel(std::move(weights)));
    AUGSTORE_ASSIGN(ImageSource base, ListImages(flags_.base));
    AUGSTORE_ASSIGN(ImageSource check, ListImages(flags_.test));
    base_ = SpreadItems(std::move(base.items), flags_.limit);
    check_ = SpreadItems(std::move(check.items), flags_.limit);
    AUGSTORE_ASSIGN(z_, Embed(""));
    for (const std::string& op : SingleOps(family)) {
      AUGSTORE_TRY(AddSeparate(op));
      AUGSTORE_TRY(AddRow({op}));
    }
    for (const OpTerm& first : family.terms()) {  // every op after every other
      for (const OpTerm& second : family.terms()) {
        if (AtUpperEnds(first) == AtUpperEnds(second)) continue;
        AUGSTORE_TRY(AddRow({AtUpperEnds(first), AtUpperEnds(second)}));
      }
    }
    return fmt::format(
        "\n### One conditional transform ({}) against separate maps\n\nG on the test images with "
        "its 95 % interval. Separate maps are affine, one for each op and magnitude, applied one "
        "after the other for chains.\n\n{}",
        ref, table_.ToMarkdown());
  }

 private:
  Result<Matrix> Embed(const std::string& ops) {
    AUGSTORE_ASSIGN(EmbeddedViews embedded, EmbedEvery(trials_, check_, ops, "test images"));
    return std::move(embedded.views[0]);
  }

  Status AddSeparate(const std::string& op_text) {
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(op_text));
    AUGSTORE_ASSIGN(const Pairs pairs, MakePairs(*trials_.source, *trials_.backbone, base_, op,
                                                 trials_.show_progress));
    TransformTrainOptions options;
    options.family = "affine";
    AUGSTORE_ASSIGN(TrainedTransform trained,
                    TrainTransform(pairs.z.view(), pairs.z_target.view(), options, nullptr));
    AUGSTORE_ASSIGN(TransformModelPtr model, MakeTransformModel(std::move(trained.weights)));
    AUGSTORE_ASSIGN(TransformStep step, MakeStep(op_text, std::move(model), std::nullopt, false));
    separate_.emplace(op_text, std::move(step));
    return OkStatus();
  }

  Result<std::string> Measure(const std::vector<TransformStep>& chain, ConstMatrixView target) {
    Matrix mapped(z_.rows(), z_.cols());
    const std::vector<SampleId> ids(z_.rows());
    ChainScratch scratch;
    AUGSTORE_TRY(ApplyChain(*engine_, chain, {0, 0, ids}, {std::as_const(z_).view()}, mapped.view(),
                            &scratch));
    return R2Text(MeasureCard("", std::as_const(z_).view(), target, mapped.view()));
  }

  // Of the ops one after the other.
  Status AddRow(const std::vector<std::string>& parts) {
    const std::string ops_text = fmt::format("{}", fmt::join(parts, ">"));
    AUGSTORE_ASSIGN(const Matrix target, Embed(ops_text));
    AUGSTORE_ASSIGN(OpPattern pattern, OpPattern::Parse(ops_text));
    AUGSTORE_ASSIGN(TransformStep step, MakeStep("geo", model_, std::move(pattern), false));
    AUGSTORE_ASSIGN(const std::string conditional, Measure({std::move(step)}, target.view()));
    std::vector<TransformStep> chain;
    chain.reserve(parts.size());
    for (const std::string& part : parts) chain.push_back(separate_.at(part));
    AUGSTORE_ASSIGN(const std::string separate, Measure(chain, target.view()));
    table_.Row({ops_text, conditional, separate});
    return OkStatus();
  }

  const PaperFlags& flags_;
  Trials& trials_;
  std::unique_ptr<Engine> engine_;
  TransformModelPtr model_;
  std::vector<ImageItem> base_;
  std::vector<ImageItem> check_;
  Matrix z_;
  std::map<std::string, TransformStep> separate_;
  Table table_{{"ops", "conditional", "separate"}};
};

}  // namespace

Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Trials& trials) {
  ExperimentFlags with_noise = flags;
  with_noise.families.emplace_back(kNoise);
  AUGSTORE_ASSIGN(ImageSource base, ListImages(flags.base));
  AUGSTORE_ASSIGN(ImageSource test, ListImages(flags.test));
  PaperTransforms transforms;
  AUGSTORE_ASSIGN(
      transforms.separate,
      PrepareTransforms(with_noise, trials, SpreadItems(std::move(base.items), flags.limit),
                        SpreadItems(std::move(test.items), flags.limit)));
  for (const CompareTransform& transform : transforms.separate) {
    AUGSTORE_ASSIGN(const auto record, trials.client().Get<TransformRecord>(transform.ref));
    transforms.weights.push_back(record.record.weights);
  }
  if (flags.conditional.empty()) return transforms;
  const auto conditional =
      GetTransform(trials.source->client(), flags.conditional, trials.space().digest);
  if (conditional.status().code() == Code::kNotFound) {
    return conditional.status().WithContext(
        "--conditional: train it first with `augstore transform train-conditional`, or say '' for "
        "none");
  }
  AUGSTORE_TRY(conditional.status());
  if (conditional->record.family != "conditional") {
    return InvalidArgument("--conditional: {} is of the family '{}'", conditional->ref(),
                           conditional->record.family);
  }
  AUGSTORE_ASSIGN(transforms.conditional, CopyTransform(trials, conditional->ref()));
  transforms.conditional_card = conditional->record.card;
  transforms.weights.push_back(conditional->record.weights);
  return transforms;
}

std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms) {
  const auto stream = [&](const std::string& name, const std::string& family,
                          const std::string& suffix = "") {
    return PaperRow{.name = name,
                    .policy = Policy(flags, transforms, family, suffix),
                    .reads_feature_maps = FamilyReadsFeatureMaps(family)};
  };
  std::vector<PaperRow> rows = {{.name = "none", .policy = "identity"},
                                stream("noise of the same covariance", kNoise, "~")};
  for (const uint32_t views : flags.cached) {
    rows.push_back(
        {.name = fmt::format("{} cached view{}", views, views == 1 ? "" : "s"), .views = views});
  }
  for (const std::string& family : flags.families)
    rows.push_back(stream(FamilyTitle(family), family));
  for (const std::string family : {"auto", "last_blocks"}) {
    if (std::ranges::count(flags.families, family) > 0)
      rows.push_back(stream(family + ", with drawn errors", family, "~"));
  }
  if (!transforms.conditional.empty()) {
    rows.push_back(stream("conditional", "conditional"));
    rows.push_back(stream("conditional, with drawn errors", "conditional", "~"));
  }
  rows.push_back({.name = "pixel space"});
  return rows;
}

Result<std::string> CompareConditional(const PaperFlags& flags, Trials& trials,
                                       const std::string& ref) {
  if (ref.empty()) return std::string();
  return ConditionalTable(flags, trials).Make(ref);
}

}  // namespace augstore
