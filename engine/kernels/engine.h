// An Engine applies transforms (and heads: both are Layers) to matrices of embeddings.
//
// The contract of every implementation, which one test suite (tests/engine/kernels/
// engine_contract.h) checks against plain loops:
//  - A row of the output depends on that row of the input alone, bit for bit, whatever the other
//    rows are and however many there are. That is why a batch has the same bytes for any batch
//    size, thread count and server, where processors have fused multiply-adds.
//  - Values agree with the reference within 1e-4 of the largest value of the row. The int8 engine
//    is less exact: int8_engine.h says how much.
//
// Thread safety: none. Each worker owns its engine; weights that were prepared once are shared
// between them. Memory: `in` and `out` belong to the caller and must not overlap.
#ifndef AUGSTORE_ENGINE_KERNELS_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_ENGINE_H_

#include <memory>
#include <string_view>

#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Layers made ready to be applied: validated and immutable. Engines keep what they derive from them
// (packed weights) keyed by `id`, so share one Network object per version.
struct Network {
  explicit Network(Layers checked_layers);  // REQUIRES: checked_layers.Validate().ok()
  const Layers layers;
  const uint64_t id;  // unique in the process
};
using NetworkPtr = std::shared_ptr<const Network>;
// Errors: those of Layers::Validate.
Result<NetworkPtr> MakeNetwork(Layers layers);

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;  // "reference", or that of the kernel
  // out = network(in). Zero rows are allowed. Errors: kInvalidArgument (columns do not match the
  // network; rows differ).
  virtual Status Apply(const NetworkPtr& network, ConstMatrixView in, MatrixView out) = 0;
};

// Ok when Apply may be called with these matrices. Errors: kInvalidArgument, naming the sizes.
Status CheckShapes(const Layers& layers, ConstMatrixView in, ConstMatrixView out);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_ENGINE_H_
