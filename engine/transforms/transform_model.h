// Transforms made ready to be applied.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_MODEL_H_
#define AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_MODEL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/images/op_pattern.h"
#include "engine/kernels/engine.h"
#include "engine/transforms/spatial_features.h"
#include "schemas/base/memory_budget.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {

// Networks that were derived from a model, by what they compute; kept as long as a caller holds
// them. Thread-safe.
class DerivedNetworks {
 public:
  // `memory`: where the networks are counted for as long as they are held; null: nowhere. It must
  // outlive all calls of Get.
  explicit DerivedNetworks(MemoryBudget* memory) : memory_(memory) {}
  // The network of `key`, of so many weights, made by `make` when no caller holds one. Errors:
  // those of `make`; kResourceExhausted (no memory is left for it).
  Result<NetworkPtr> Get(const std::string& key, uint64_t weights,
                         const std::function<Result<NetworkPtr>()>& make);

 private:
  MemoryBudget* const memory_;
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<const Network>> networks_ AUGSTORE_GUARDED_BY(mutex_);
};

// Immutable; share one per version.
struct TransformModel {
  NetworkPtr network;        // the stack; of a conditional transform, what follows several ops
  SpatialFeaturesPtr front;  // of a spatial transform; else null
  std::optional<OpFamily> family;  // of a conditional transform, as is
  std::vector<Layer> basis;
  Activation activation = Activation::kNone;  // of the last layer
  bool normalised = false;                    // outputs are scaled to length 1
  Matrix error_bank;                          // no rows: none
  uint32_t dim = 0;
  std::unique_ptr<DerivedNetworks> derived;
};
using TransformModelPtr = std::shared_ptr<const TransformModel>;

// Weights are in memory twice: as they are, and packed for a kernel.
constexpr uint64_t BytesOfWeights(uint64_t weights) { return 2 * sizeof(float) * weights; }
// With `memory`, the model and what is derived from it take a share of it for as long as they are
// held. Errors: those of TransformWeights::Validate; kInvalidArgument (ops that do not parse, or a
// basis of another number of affine maps than they have features); kResourceExhausted.
Result<TransformModelPtr> MakeTransformModel(TransformWeights weights,
                                             MemoryBudget* memory = nullptr);

inline float Activate(Activation activation, float value) {
  return activation == Activation::kRelu && value < 0 ? 0 : value;
}

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_TRANSFORM_MODEL_H_
