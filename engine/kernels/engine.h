// An Engine applies transforms (and heads: both are Layers) to matrices of embeddings.
//
// The contract of every implementation, checked by one test suite against the plain-loop reference:
//  - a row of the output depends on that row of the input alone: bit for bit the same whatever
//  stands beside it and however
//    many rows there are. That is what makes a batch the same bytes for any batch size, thread
//    count and server, where processors have fused multiply-adds;
//  - values agree with the reference within 1e-4 relative to the largest value of the row; those of
//  engine/kernels/int8_engine.h as that file says.
//
// Thread safety: none. Each worker owns its engine; weights that were prepared once are shared
// between them. Memory: `in` and `out` belong to the caller and must not overlap.
#ifndef AUGSTORE_ENGINE_KERNELS_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_ENGINE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

struct TileKernel;

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

// Plain loops with sums in double: slow, and right.
std::unique_ptr<Engine> NewReferenceEngine();
// f32 on tile kernels (tile_product.h): those of `kernel`, which this processor must have, or its
// best. One thread per call. The packed weights of a network are made once in the process.
std::unique_ptr<Engine> NewTileEngine(const TileKernel& kernel);
std::unique_ptr<Engine> NewTileEngine();
// What this processor can run, the best last.
std::vector<const TileKernel*> SupportedTiles();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_ENGINE_H_
