// Chains of transforms on rows of samples.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_CHAIN_H_
#define AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_CHAIN_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/images/op_pattern.h"
#include "engine/kernels/engine.h"
#include "engine/transforms/op_layers.h"
#include "engine/transforms/spatial_features.h"
#include "engine/transforms/transform_model.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {

// One application in a chain.
struct TransformStep {
  TransformModelPtr model;
  std::optional<OpPattern> ops;    // of a conditional transform
  std::vector<OpLayer> op_layers;  // of each op
  bool with_noise = false;
};
// Whether the chain reads the feature map of the stored image: its first transform is spatial.
bool ReadsFeatureMap(std::span<const TransformStep> chain);
// Errors: kInvalidArgument (a spatial transform that is not the first, naming it by its place: the
// output of a transform has no feature map).
Status CheckFeatureMapsComeFirst(std::span<const TransformStep> chain);
// Errors: kInvalidArgument, naming `name`: a conditional transform without ops or another one with
// ops; ops that it was not trained for; kFailedPrecondition (with_noise without an error bank).
Result<TransformStep> MakeStep(const std::string& name, TransformModelPtr model,
                               std::optional<OpPattern> ops, bool with_noise);

// What the random draws for the rows of a matrix depend on.
struct RowKeys {
  uint64_t seed = 0;
  uint64_t epoch = 0;
  std::span<const SampleId> samples;  // of each row
};

// Kept between calls, so that memory is allocated once.
struct ChainScratch {
  Matrix between;  // outputs of all steps but the last
  OpScratch ops;
  Matrix inputs;  // of a spatial transform's layers: z and the features of a block of rows
  Matrix features;
  SpatialScratch front;
};

// What a chain reads.
struct ChainInput {
  ConstMatrixView z;
  ConstMatrixView feature_maps = {};  // of each row, when ReadsFeatureMap; else not read
};

// Applies steps left to right, the last one writing into `out`; an empty chain copies. A row of the
// output is a function of that row of the input, its sample id, seed and epoch alone: bit for bit
// the same in any company. A drawn error is added to its step's output, which is then clamped
// when the transform ends in ReLU. The output of a normalised transform has length 1. REQUIRES:
// keys.samples.size() == in.z.rows. Errors: those of Engine::Apply and of
// CheckFeatureMapsComeFirst. `in` and `out` must not overlap.
Status ApplyChain(Engine& engine, std::span<const TransformStep> chain, const RowKeys& keys,
                  const ChainInput& in, MatrixView out, ChainScratch* scratch);

// For measuring weights that are not conditional: their step, without drawn errors, and Ω of rows.
// Errors: those of MakeTransformModel and ApplyChain.
Result<TransformStep> StepOf(const TransformWeights& weights);
Status ApplyTransform(const TransformWeights& weights, const ChainInput& in, MatrixView out);

// One step of a conditional transform with the parameters of every row given (rows x
// step.ops->parameters()) instead of drawn, and without drawn errors. Errors and REQUIRES as above.
Status ApplyStepWith(Engine& engine, const TransformStep& step, std::span<const double> parameters,
                     ConstMatrixView in, MatrixView out);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_CHAIN_H_
