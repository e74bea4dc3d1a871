// Applies a conditional transform to views with magnitudes of their own, and measures it on them.
#ifndef AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_MEASURE_H_
#define AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_MEASURE_H_

#include <cstdint>
#include <span>
#include <string>

#include "engine/conditional/op_fit.h"
#include "schemas/records/records.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {

// Ω of the z of each view, row by row, without drawn errors. `views` are indices into
// problem.pairs. REQUIRES: weights of problem.family. Errors: those of MakeTransformModel and of
// Engine::Apply.
Result<Matrix> MapViews(const ConditionalProblem& problem, const TransformWeights& weights,
                        std::span<const size_t> views);

// The card's entry for these views. The interval resamples images with `seed`, since the views of
// one image are alike. REQUIRES: at least one view. Errors: those of MapViews.
Result<CardEntry> MeasureViews(const std::string& data, const ConditionalProblem& problem,
                               const TransformWeights& weights, std::span<const size_t> views,
                               uint64_t seed);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_MEASURE_H_
