// The ceiling of the engine: the matrix products of a network alone, as fast as oneDNN computes
// them, without bias, activation or tiles, with weights in the order that suits the kernel best.
#ifndef AUGSTORE_TOOLS_BENCH_ONEDNN_CEILING_H_
#define AUGSTORE_TOOLS_BENCH_ONEDNN_CEILING_H_

#include <memory>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/weights/layers.h"

namespace augstore {

enum class ProductPrecision { kF32, kBf16, kU8S8 };

// Run uses one thread. Thread safety: one thread at a time.
class BareProducts {
 public:
  // The products of `rows` rows with each layer's weights, one after the other. Errors:
  // kFailedPrecondition (oneDNN has no kernel of its own for the precision on this CPU),
  // kInternal (oneDNN refuses). REQUIRES: dense shapes that chain, rows > 0.
  static Result<std::unique_ptr<BareProducts>> Create(const std::vector<LayerShape>& shapes,
                                                      size_t rows, ProductPrecision precision);
  virtual ~BareProducts() = default;
  virtual Status Run() = 0;
  virtual std::string kernel() const = 0;  // oneDNN's name of the first layer's
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_ONEDNN_CEILING_H_
