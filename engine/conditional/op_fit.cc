#include "engine/conditional/op_fit.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "engine/math/lambda_search.h"
#include "engine/math/onednn_gemm.h"

namespace augstore {
namespace {

// Sum of squared errors of the op's affine maps on its views.
double SquaredError(const ConditionalProblem& problem, const std::vector<Layer>& basis,
                    const OpViews& views) {
  const size_t d = problem.z.cols;
  const size_t rows = views.views.size();
  Matrix in(rows, d);
  for (size_t v = 0; v < rows; ++v) {
    const size_t image = problem.pairs.images[views.views[v]];
    std::copy_n(problem.z.row(image).data(), d, in.row(v).data());
  }
  Matrix sum(rows, d);
  std::copy_n(in.data(), rows * d, sum.data());
  Matrix part(rows, d);
  const auto dim = static_cast<int64_t>(d);
  for (size_t p = 0; p < basis.size(); ++p) {
    Gemm(false, true, static_cast<int64_t>(rows), dim, dim, in.data(), dim, basis[p].weight.data(),
         dim, 0, part.data(), dim);
    for (size_t v = 0; v < rows; ++v) {
      const float feature = views.features[v * basis.size() + p];
      for (size_t c = 0; c < d; ++c) {
        sum.row(v)[c] += feature * (part.row(v)[c] + basis[p].bias[c]);
      }
    }
  }
  double error = 0;
  for (size_t v = 0; v < rows; ++v) {
    for (size_t c = 0; c < d; ++c) {
      const float value = sum.row(v)[c];
      const double difference = double{problem.non_negative && value < 0 ? 0 : value} -
                                problem.pairs.targets.row(views.views[v])[c];
      error += difference * difference;
    }
  }
  return error;
}

}  // namespace

OpViews ViewsOfOp(const ConditionalProblem& problem, const OpTerm& op, bool held_out) {
  OpViews found;
  const size_t k = problem.family.FeatureCount(op);
  std::vector<double> parameters(op.parameters.size());
  for (size_t v = 0; v < problem.pairs.images.size(); ++v) {
    const std::vector<OpTerm>& terms = problem.pairs.ops[v].terms();
    if (terms.size() != 1 || terms[0].name != op.name || !problem.InPart(v, held_out)) continue;
    problem.pairs.ops[v].Draw({}, 0, parameters);  // fixed ops: their parameters
    found.views.push_back(v);
    found.features.resize(found.views.size() * k);
    problem.family.Features(terms[0], parameters, std::span(found.features).last(k));
  }
  return found;
}

Result<OpFit> FitOp(const ConditionalProblem& problem, const CentredInputs& inputs,
                    const OpTerm& op) {
  const OpViews train = ViewsOfOp(problem, op, false);
  const OpViews held_out = ViewsOfOp(problem, op, true);
  if (train.views.empty() || held_out.views.empty()) {
    return InvalidArgument("op {} has {} views to train on and {} held out: give more images",
                           op.ToString(), train.views.size(), held_out.views.size());
  }
  const OpRidge ridge(inputs, problem.z, problem.pairs, train, problem.family.FeatureCount(op));
  using Search = LambdaSearch<std::vector<Layer>>;
  Search search([&](double lambda) -> std::optional<Search::Tried> {
    std::optional<std::vector<Layer>> basis = ridge.Solve(lambda);
    if (!basis) return std::nullopt;
    const double error = SquaredError(problem, *basis, held_out);
    return Search::Tried{std::move(*basis), error};
  });
  search.Grid(1, -4, {0.5});
  if (!search.best()) {
    return InvalidArgument(
        "op {}: no ridge penalty can be solved for {} views: the embeddings do not differ from "
        "each other, give different images",
        op.ToString(), train.views.size());
  }
  return OpFit{std::move(search.best()->fit), search.best()->lambda};
}

}  // namespace augstore
