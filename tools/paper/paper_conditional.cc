#include "tools/paper/paper_conditional.h"

#include <map>

#include "engine/images/op_pattern.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"
#include "tools/cli/progress.h"
#include "tools/compare/compare.h"
#include "tools/paper/paper_data.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

// Every op at the ends of its range and half way to them; ops with several parameters only at the
// upper ends.
std::vector<std::string> SingleOps(const OpFamily& family) {
  std::vector<std::string> ops;
  for (const OpTerm& term : family.terms()) {
    if (term.parameters.size() != 1) {
      OpTerm fixed = term;
      for (OpTerm::Range& range : fixed.parameters) range.low = range.high;
      ops.push_back(fixed.ToString());
      continue;
    }
    const double neutral = ImageOp::NeutralParameters(term.name)[0];
    const OpTerm::Range range = term.parameters[0];
    for (const double end : {range.low, range.high}) {
      if (end == neutral) continue;
      for (const double value : {end, (end + neutral) / 2}) {
        ops.push_back(OpTerm{term.name, {{value, value}}}.ToString());
      }
    }
  }
  return ops;
}

// Every op at the upper end of its range after every other.
std::vector<std::pair<std::string, std::string>> Chains(const OpFamily& family) {
  std::vector<std::string> ops;
  for (const OpTerm& term : family.terms()) {
    OpTerm fixed = term;
    for (OpTerm::Range& range : fixed.parameters) range.low = range.high;
    ops.push_back(fixed.ToString());
  }
  std::vector<std::pair<std::string, std::string>> chains;
  for (const std::string& first : ops) {
    for (const std::string& second : ops) {
      if (first != second) chains.emplace_back(first, second);
    }
  }
  return chains;
}

class ConditionalTable {
 public:
  ConditionalTable(const PaperFlags& flags, Database& database, Trials& trials,
                   LazyBackbone& backbone)
      : flags_(flags),
        database_(database),
        trials_(trials),
        backbone_(backbone),
        engine_(NewTileEngine()) {}

  Result<std::string> Make(const std::string& ref) {
    AUGSTORE_ASSIGN(TransformWeights weights, trials_.client().GetWeights(ref));
    AUGSTORE_ASSIGN(const OpFamily family, OpFamily::Parse(weights.ops, weights.slots));
    AUGSTORE_ASSIGN(model_, MakeTransformModel(std::move(weights)));
    AUGSTORE_ASSIGN(ImageSource base, ListImages(flags_.base));
    AUGSTORE_ASSIGN(ImageSource check, ListImages(flags_.test));
    base_ = SpreadItems(std::move(base.items), flags_.limit);
    check_ = SpreadItems(std::move(check.items), flags_.limit);
    AUGSTORE_ASSIGN(z_, Embed(""));
    text_ = fmt::format(
        "\n### One conditional transform ({}) against separate maps\n\nG on the test images with "
        "its 95 % interval. Separate maps are affine, one for each op and magnitude, applied one "
        "after the other for chains.\n\n| ops | conditional | separate |\n|---|---|---|\n",
        ref);
    for (const std::string& op : SingleOps(family)) {
      AUGSTORE_TRY(AddSeparate(op));
      AUGSTORE_TRY(AddRow(op, {op}));
    }
    for (const auto& [first, second] : Chains(family)) {
      AUGSTORE_TRY(AddRow(first + ">" + second, {first, second}));
    }
    return text_;
  }

 private:
  Result<Matrix> Embed(const std::string& ops) {
    return EmbedView(flags_, database_, backbone_, check_, ops, "test images", nullptr);
  }

  Status AddSeparate(const std::string& op_text) {
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(op_text));
    AUGSTORE_ASSIGN(const Pairs pairs,
                    MakePairs(database_, backbone_, base_, op, !flags_.common.quiet));
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

  Status AddRow(const std::string& ops_text, const std::vector<std::string>& parts) {
    AUGSTORE_ASSIGN(const Matrix target, Embed(ops_text));
    AUGSTORE_ASSIGN(OpPattern pattern, OpPattern::Parse(ops_text));
    AUGSTORE_ASSIGN(TransformStep step, MakeStep("geo", model_, std::move(pattern), false));
    AUGSTORE_ASSIGN(const std::string conditional, Measure({std::move(step)}, target.view()));
    std::vector<TransformStep> chain;
    for (const std::string& part : parts) chain.push_back(separate_.at(part));
    AUGSTORE_ASSIGN(const std::string separate, Measure(chain, target.view()));
    text_ += fmt::format("| {} | {} | {} |\n", ops_text, conditional, separate);
    return OkStatus();
  }

  const PaperFlags& flags_;
  Database& database_;
  Trials& trials_;
  LazyBackbone& backbone_;
  std::unique_ptr<Engine> engine_;
  TransformModelPtr model_;
  std::vector<ImageItem> base_;
  std::vector<ImageItem> check_;
  Matrix z_;
  std::map<std::string, TransformStep> separate_;
  std::string text_;
};

}  // namespace

Result<std::string> CompareConditional(const PaperFlags& flags, Database& database, Trials& trials,
                                       LazyBackbone& backbone, const std::string& ref) {
  return ConditionalTable(flags, database, trials, backbone).Make(ref);
}

}  // namespace augstore
