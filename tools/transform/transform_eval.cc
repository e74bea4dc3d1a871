#include "tools/transform/transform_eval.h"

#include <algorithm>
#include <array>

#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/card_retrieval.h"
#include "engine/transforms/precision.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "tools/collection/proven_transform.h"

namespace augstore {
namespace {

// Applies chains of fixed steps to matrices.
class ChainRunner {
 public:
  ChainRunner() : engine_(NewTileEngine()) {}

  Status Apply(std::span<const TransformStep> chain, const ChainInput& in, MatrixView out) {
    const std::vector<SampleId> samples(in.z.rows);
    return ApplyChain(*engine_, chain, {.samples = samples}, in, out, &scratch_);
  }
  Result<Matrix> Apply(std::span<const TransformStep> chain, const ChainInput& in) {
    Matrix out(in.z.rows, in.z.cols);
    AUGSTORE_TRY(Apply(chain, in, out.view()));
    return out;
  }

 private:
  std::unique_ptr<Engine> engine_;
  ChainScratch scratch_;
};

class Evaluator {
 public:
  Evaluator(Database* database, LazyBackbone* backbone, const LoadedTransform* transform,
            const TransformEvalOptions* options)
      : database_(database), backbone_(backbone), transform_(transform), options_(options) {}

  Status MeasurePairs(const std::vector<ImageItem>& items, const std::string& data) {
    AUGSTORE_ASSIGN(Pairs pairs,
                    MakePairs(*database_, *backbone_, items, transform_->op,
                              options_->show_progress, {.feature_maps = ReadsFeatureMap(chain())}));
    result_.counts.Add(pairs.counts);
    AUGSTORE_ASSIGN(const Matrix mapped,
                    runner_.Apply(chain(), {pairs.z.view(), pairs.feature_maps.view()}));
    result_.entry = MeasureCard(data, pairs.z.view(), pairs.z_target.view(), mapped.view());
    const Matrix timed = TimedRows(pairs.feature_maps.view());
    AUGSTORE_ASSIGN(const double micros,
                    MeasureMicrosPerRow(pairs.z.view(), [&](ConstMatrixView in, MatrixView out) {
                      return runner_.Apply(chain(), {in, timed.view()}, out);
                    }));
    result_.measures.push_back({"us_per_row", micros});
    if (transform_->model.ops) return MeasureWayBack(pairs.z.view(), mapped.view());
    AUGSTORE_ASSIGN(const std::vector<CardMeasure> losses,
                    MeasureLosses(transform_->model, {pairs.z.view(), pairs.feature_maps.view()},
                                  pairs.z_target.view()));
    result_.measures.insert(result_.measures.end(), losses.begin(), losses.end());
    return MeasureWayBack(pairs.z.view(), mapped.view());
  }

  // Ranks the true view among other views of the same images, with ops that differ little from each
  // other: the hardest to tell apart.
  Status MeasureRanks(const std::vector<ImageItem>& items) {
    static constexpr std::array kOtherOps = {"hflip",       "vflip",           "rotate(15)",
                                             "rotate(-15)", "brightness(1.4)", "brightness(0.7)",
                                             "zoom(1.25)",  "grayscale"};
    std::vector<std::optional<ImageOp>> ops = {std::nullopt, transform_->op};
    for (const char* text : kOtherOps) {
      AUGSTORE_ASSIGN(ImageOp op, ImageOp::Parse(text));
      if (op.text() != transform_->op.text()) ops.emplace_back(std::move(op));
    }
    const std::vector<ImageItem> chosen = SpreadItems(items, options_->retrieval);
    AUGSTORE_ASSIGN(const EmbeddedViews views, TakeViews(chosen, ops));
    const Matrix& z = views.views[0];
    AUGSTORE_ASSIGN(const Matrix mapped,
                    runner_.Apply(chain(), {z.view(), views.feature_maps.view()}));
    std::vector<ConstMatrixView> others;
    for (size_t v = 2; v < views.views.size(); ++v) others.push_back(views.views[v].view());
    MeasureRetrieval(z.view(), views.views[1].view(), mapped.view(), others,
                     {.seed = options_->seed}, &result_.entry);
    return OkStatus();
  }

  Status MeasureChain(const std::vector<ImageItem>& items, const LoadedTransform& second) {
    const std::string text = transform_->op.text() + ">" + second.op.text();
    AUGSTORE_ASSIGN(const ImageOp both, ImageOp::ParseSequence(text));
    const std::vector<std::optional<ImageOp>> ops = {std::nullopt, second.op, both};
    AUGSTORE_ASSIGN(const EmbeddedViews views, TakeViews(items, ops));
    const ConstMatrixView z = views.views[0].view();
    const std::array steps = {transform_->model, second.model};
    const ChainInput input{z, views.feature_maps.view()};
    AUGSTORE_ASSIGN(const Matrix chained, runner_.Apply(steps, input));
    AUGSTORE_ASSIGN(const Matrix alone, runner_.Apply({&second.model, 1}, input));
    ChainEvaluation chain;
    chain.second = second.step;
    chain.op = both.text();
    chain.chain = MeasureCard(chain.op, z, views.views[2].view(), chained.view());
    chain.second_alone = MeasureCard(second.op.text(), z, views.views[1].view(), alone.view());
    AddMeasure("chain_r2", second.step, chain.chain.r2);
    AddMeasure("second_r2", second.step, chain.second_alone.r2);
    result_.chain = std::move(chain);
    return OkStatus();
  }

  TransformEvaluation TakeResult() { return std::move(result_); }

 private:
  std::span<const TransformStep> chain() const { return {&transform_->model, 1}; }

  Result<EmbeddedViews> TakeViews(const std::vector<ImageItem>& items,
                                  std::span<const std::optional<ImageOp>> ops) {
    AUGSTORE_ASSIGN(EmbeddedViews views, EmbedViews(*database_, *backbone_, items, ops,
                                                    {.show_progress = options_->show_progress,
                                                     .feature_maps = ReadsFeatureMap(chain())}));
    views.skipped.clear();  // MeasurePairs named them
    result_.counts.Add(views);
    return views;
  }

  void AddMeasure(const std::string& name, const std::string& of, double value) {
    const std::string text = name + "(" + of + ")";
    result_.measures.push_back({text.substr(0, kMaxNameBytes), value});
  }

  // The same transform where its op is its own inverse, else the newest one that imitates the
  // inverse op. Of a conditional transform the same one with the inverse op, where it was trained
  // for it.
  Result<std::optional<LoadedTransform>> FindInverse() {
    const std::string text = transform_->op.InverseText();
    std::optional<LoadedTransform> inverse;
    if (text.empty()) return inverse;
    if (text == transform_->op.text()) {
      inverse = *transform_;
      return inverse;
    }
    Client& client = database_->client();
    if (transform_->model.ops) {
      Result<LoadedTransform> same = LoadTransform(client, transform_->ref, text);
      if (!same.ok() && same.status().code() != Code::kInvalidArgument) return same.status();
      if (same.ok()) inverse = std::move(*same);
      return inverse;
    }
    AUGSTORE_ASSIGN(auto all, client.List<TransformRecord>());
    std::erase_if(all, [&](const auto& other) {
      return other.record.op != text || other.record.backbone != transform_->record.backbone;
    });
    if (all.empty()) return inverse;
    const auto newest = std::ranges::max_element(all, [](const auto& a, const auto& b) {
      return std::pair(a.record.created_unix_s, a.version) <
             std::pair(b.record.created_unix_s, b.version);
    });
    AUGSTORE_ASSIGN(inverse, LoadTransform(client, newest->ref(), text));
    return inverse;
  }

  Status MeasureWayBack(ConstMatrixView z, ConstMatrixView there) {
    AUGSTORE_ASSIGN(const std::optional<LoadedTransform> inverse, FindInverse());
    // The output of a transform has no feature map that a spatial one could read.
    if (!inverse || ReadsFeatureMap({&inverse->model, 1})) return OkStatus();
    AUGSTORE_ASSIGN(const Matrix back, runner_.Apply({&inverse->model, 1}, {there}));
    result_.inverse = inverse->step;
    result_.measures.push_back({"inverse_r2", MeasureInverse(z, there, back.view())});
    return OkStatus();
  }

  Database* database_;
  LazyBackbone* backbone_;
  const LoadedTransform* transform_;
  const TransformEvalOptions* options_;
  ChainRunner runner_;
  TransformEvaluation result_;
};

// The text of the op that a transform is compared with.
Result<std::string> OpFor(const std::string& ref, const TransformRecord& record, bool conditional,
                          const std::string& op) {
  if (conditional) {
    if (!op.empty()) return op;
    return InvalidArgument(
        "{} is a conditional transform for {}: name with --op the ops to measure it on, such as "
        "one of these with a value from its range",
        ref, record.op);
  }
  if (op.empty() && record.op.empty()) {
    return InvalidArgument(
        "{} was registered without the op that it imitates: name it with --op, such as --op "
        "'rotate(15)'",
        ref);
  }
  if (op.empty()) return record.op;
  AUGSTORE_ASSIGN(const ImageOp parsed, ImageOp::Parse(op));
  if (!record.op.empty() && record.op != parsed.text()) {
    return InvalidArgument(
        "{} is registered as {}, so it cannot be compared with {}: leave --op out", ref, record.op,
        parsed.text());
  }
  return parsed.text();
}

}  // namespace

Result<LoadedTransform> LoadTransform(Client& client, const std::string& ref,
                                      const std::string& op) {
  AUGSTORE_ASSIGN(auto found, client.Get<TransformRecord>(ref));
  AUGSTORE_ASSIGN(TransformWeights weights, client.GetWeights(found.ref()));
  LoadedTransform loaded{.name = found.name,
                         .ref = found.ref(),
                         .step = found.ref(),
                         .record = std::move(found.record),
                         .model = {},
                         .op = {}};
  const bool conditional = weights.conditional();
  AUGSTORE_ASSIGN(TransformModelPtr model, MakeTransformModel(std::move(weights)));
  AUGSTORE_ASSIGN(const std::string text, OpFor(loaded.ref, loaded.record, conditional, op));
  AUGSTORE_ASSIGN(loaded.op, ImageOp::ParseSequence(text));
  std::optional<OpPattern> ops;
  if (conditional) {
    AUGSTORE_ASSIGN(ops, OpPattern::Parse(loaded.op.text()));
    loaded.step += "[" + loaded.op.text() + "]";
  }
  AUGSTORE_ASSIGN(loaded.model, MakeStep(loaded.ref, std::move(model), std::move(ops), false));
  return loaded;
}

Result<LoadedTransform> LoadChainStep(Client& client, const std::string& step,
                                      const Digest& backbone) {
  AUGSTORE_ASSIGN(const ChainRef chain, ParseChain(step));
  if (chain.view.has_value() || chain.steps.size() != 1 || chain.steps[0].with_noise) {
    return InvalidArgument(
        "--chain '{}' must be one transform without a stored view and without a drawn error, such "
        "as rotate15@champion",
        step);
  }
  AUGSTORE_ASSIGN(const auto second,
                  GetTransform(client, chain.steps[0].transform.ToString(), backbone));
  return LoadTransform(client, second.ref(), chain.steps[0].ops);
}

Result<TransformEvaluation> EvaluateTransform(Database& database, LazyBackbone& backbone,
                                              const LoadedTransform& transform,
                                              const LoadedTransform* second,
                                              const std::vector<ImageItem>& items,
                                              const std::string& data,
                                              const TransformEvalOptions& options) {
  Evaluator evaluator(&database, &backbone, &transform, &options);
  AUGSTORE_TRY(evaluator.MeasurePairs(items, data));
  if (options.retrieval > 0) AUGSTORE_TRY(evaluator.MeasureRanks(items));
  if (second != nullptr) AUGSTORE_TRY(evaluator.MeasureChain(items, *second));
  return evaluator.TakeResult();
}

}  // namespace augstore
