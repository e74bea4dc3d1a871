#include "engine/conditional/conditional_measure.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/fitting/pairs.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"

namespace augstore {
namespace {

std::string NamesOf(const OpPattern& ops) {
  std::string text;
  for (const OpTerm& term : ops.terms()) text += term.name + '>';
  return text;
}

// The ops of a view, each with all its magnitudes.
Result<OpPattern> WholeRanges(const OpFamily& family, const OpPattern& ops) {
  std::string ranges;
  for (const OpTerm& term : ops.terms()) {
    const auto known = std::ranges::find(family.terms(), term.name, &OpTerm::name);
    ranges += (ranges.empty() ? "" : ">") + known->ToString();
  }
  return OpPattern::Parse(ranges);
}

std::vector<size_t> ImagesOf(const ConditionalProblem& problem, std::span<const size_t> views) {
  std::vector<size_t> images;
  for (const size_t view : views) images.push_back(problem.pairs.images[view]);
  return images;
}

// Views of the same ops in the same order; writes row places[i] of `mapped` for views[i].
Status MapAlike(const ConditionalProblem& problem, const TransformModelPtr& model,
                std::span<const size_t> views, std::span<const size_t> places, Engine& engine,
                Matrix* mapped) {
  AUGSTORE_ASSIGN(OpPattern pattern, WholeRanges(problem.family, problem.pairs.ops[views[0]]));
  AUGSTORE_ASSIGN(const TransformStep step,
                  MakeStep("the transform", model, std::move(pattern), false));
  const Matrix in = GatherRows(problem.z, ImagesOf(problem, views));
  Matrix out(in.rows(), in.cols());
  std::vector<double> parameters;
  for (const size_t view : views) {
    std::vector<double> own(problem.pairs.ops[view].parameters());
    problem.pairs.ops[view].Draw({}, 0, own);  // fixed ops: their parameters
    parameters.insert(parameters.end(), own.begin(), own.end());
  }
  AUGSTORE_TRY(ApplyStepWith(engine, step, parameters, in.view(), out.view()));
  for (size_t i = 0; i < views.size(); ++i) {
    std::copy_n(out.row(i).data(), out.cols(), mapped->row(places[i]).data());
  }
  return OkStatus();
}

}  // namespace

Result<Matrix> MapViews(const ConditionalProblem& problem, const TransformWeights& weights,
                        std::span<const size_t> views) {
  TransformWeights copy;
  copy.layers = weights.layers;
  copy.basis = weights.basis;
  copy.ops = weights.ops;
  copy.slots = weights.slots;
  copy.normalised = weights.normalised;
  AUGSTORE_ASSIGN(const TransformModelPtr model, MakeTransformModel(std::move(copy)));
  struct Alike {
    std::vector<size_t> views;
    std::vector<size_t> places;
  };
  std::map<std::string, Alike> groups;
  for (size_t i = 0; i < views.size(); ++i) {
    Alike& group = groups[NamesOf(problem.pairs.ops[views[i]])];
    group.views.push_back(views[i]);
    group.places.push_back(i);
  }
  const std::unique_ptr<Engine> engine = NewTileEngine();
  Matrix mapped(views.size(), problem.z.cols);
  for (const auto& [names, group] : groups) {
    AUGSTORE_TRY(MapAlike(problem, model, group.views, group.places, *engine, &mapped));
  }
  return mapped;
}

Result<CardEntry> MeasureViews(const std::string& data, const ConditionalProblem& problem,
                               const TransformWeights& weights, std::span<const size_t> views,
                               uint64_t seed) {
  AUGSTORE_ASSIGN(const Matrix mapped, MapViews(problem, weights, views));
  const std::vector<size_t> images = ImagesOf(problem, views);
  return MeasureCard(data, GatherRows(problem.z, images).view(),
                     GatherRows(problem.pairs.targets.view(), views).view(), mapped.view(),
                     {images, seed});
}

}  // namespace augstore
