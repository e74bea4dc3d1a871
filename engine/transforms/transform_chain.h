// Transforms made ready to be applied, and chains of them on rows of samples.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_CHAIN_H_
#define AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_CHAIN_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/images/op_pattern.h"
#include "engine/kernels/engine.h"
#include "engine/transforms/spatial_features.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {

// Networks that were derived from a model, by what they compute; kept as long as anybody holds
// them. Thread-safe.
class DerivedNetworks {
 public:
  // The network of `key`, made by `make` when nobody holds one. Errors: those of `make`.
  Result<NetworkPtr> Get(const std::string& key, const std::function<Result<NetworkPtr>()>& make);

 private:
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<const Network>> networks_ AUGSTORE_GUARDED_BY(mutex_);
};

// A transform ready to be applied. Immutable; share one per version.
struct TransformModel {
  NetworkPtr network;        // the stack; of a conditional transform, what follows several ops
  SpatialFeaturesPtr front;  // of a spatial transform; else null
  std::optional<OpFamily> family;  // of a conditional transform, as is
  std::vector<Layer> basis;
  Activation activation = Activation::kNone;  // of the last layer
  Matrix error_bank;                          // no rows: none
  uint32_t dim = 0;
  const std::unique_ptr<DerivedNetworks> derived = std::make_unique<DerivedNetworks>();
};
using TransformModelPtr = std::shared_ptr<const TransformModel>;
// Errors: those of TransformWeights::Validate; kInvalidArgument (ops that do not parse, or a basis
// of another number of affine maps than they have features).
Result<TransformModelPtr> MakeTransformModel(TransformWeights weights);

// One op of a conditional transform. With fixed parameters it is one affine map; with drawn ones
// the affine maps of its features form one network, and each row adds up its own.
struct OpLayer {
  NetworkPtr network;  // dim -> dim, or dim -> features * dim
  OpTerm op;
  bool fixed = true;
};

// One application in a chain.
struct TransformStep {
  TransformModelPtr model;
  std::optional<OpPattern> ops;    // of a conditional transform
  std::vector<OpLayer> op_layers;  // of each op
  bool with_noise = false;
};
// Whether the chain reads the feature map of the stored image: its first transform is spatial.
bool ReadsFeatureMap(std::span<const TransformStep> chain);
// Errors: kInvalidArgument (a spatial transform that is not the first, naming it by its place:
// what a transform gives has no feature map).
Status CheckFeatureMapsComeFirst(std::span<const TransformStep> chain);
// Errors: kInvalidArgument, naming `name`: a conditional transform without ops or another one with
// ops; ops that it was not trained for; kFailedPrecondition (with_noise without an error bank).
Result<TransformStep> MakeStep(const std::string& name, TransformModelPtr model,
                               std::optional<OpPattern> ops, bool with_noise);

// What the draws of a matrix's rows depend on.
struct RowKeys {
  uint64_t seed = 0;
  uint64_t epoch = 0;
  std::span<const SampleId> samples;  // of each row
};

// Kept between calls, so that memory is taken once.
struct ChainScratch {
  Matrix between;     // outputs of all steps but the last
  Matrix ops;         // outputs of all ops but the last of a step
  Matrix op_outputs;  // of each feature's affine map, for a block of rows
  Matrix inputs;      // of a spatial transform's layers: z and the features of a block of rows
  Matrix features;
  SpatialScratch front;
};

// What a chain reads.
struct ChainInput {
  ConstMatrixView z;
  ConstMatrixView feature_maps =
      {};  // as many feature maps, when ReadsFeatureMap; else not looked at
};

// Applies steps left to right, the last one writing into `out`; an empty chain copies. A row of the
// output is a function of that row of the input, its sample id, seed and epoch alone: bit for bit
// the same in any company. A drawn error is added to its step's output, which is then clamped
// when the transform ends in ReLU. REQUIRES: keys.samples.size() ==
// in.z.rows. Errors: those of Engine::Apply and of CheckFeatureMapsComeFirst. `in` and `out` must
// not overlap.
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
