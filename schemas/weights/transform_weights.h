// The weights of a transform Ω as data: a stack of layers, and what a conditional transform and a
// drawn error need in addition. Never code.
//
// A conditional transform does any of its ops, with any parameters in their ranges. Its
// displacement is linear in features f_1 … f_P of op and parameters (engine/images/op_pattern.h),
// each with an affine map of its own, as the hypernetwork of SIE (Garrido et al., "Self-supervised
// learning of Split Invariant Equivariant representations", ICML 2023) makes a linear map from
// parameters:
//
//   x_0 = z,   x_i = activation(x_{i-1} + sum_p f_p(op_i) (A_p x_{i-1} + a_p))
//   Ω(z, op_1 > … > op_n) = x_n for n <= 1, layers(x_n) for more: what composition gets wrong
//
// where `activation` is that of the last of `layers`.
//
// A spatial transform reads the stored feature map of the image as well
// (schemas/weights/spatial_front.h): Ω(z, f) = layers([z, front(f)]). It must be the first of a
// chain, since the output of a transform has no feature map.
//
// As safetensors: the tensors of `layers` as schemas/weights/layers.h says; "basis.<p>.weight"
// (F32, [dim, dim]) and "basis.<p>.bias" (F32, [dim]) for p = 0 … P - 1; `error_bank` as
// "error_bank" (F32, [rows, dim]); the tensors of `front` as schemas/weights/spatial_front.h says.
// Metadata "augstore.ops" and "augstore.slots" hold `ops` and `slots`, "augstore.normalised" is "1"
// where outputs are normalised.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_TRANSFORM_WEIGHTS_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_TRANSFORM_WEIGHTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/layers.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

struct TransformWeights {
  Layers layers;
  std::vector<Layer> basis;           // dense, dim x dim; none: not conditional
  std::string ops;                    // of a conditional transform: "hflip,rotate(-15..15)"
  uint32_t slots = 0;                 // most ops of one application
  std::optional<SpatialFront> front;  // of a spatial transform
  bool normalised = false;  // outputs are divided by their length (L2), drawn errors included
  Matrix error_bank;        // z' - Ω(z) of held-out pairs, rows x dim; no rows: none were kept

  bool conditional() const { return !basis.empty(); }
  // Columns of z, and of the transform's output.
  uint32_t dim() const { return layers.dim_out(); }
  // Multiply-adds for one row; of a conditional transform for one op with fixed parameters.
  uint64_t MultiplyAdds() const {
    if (conditional()) return basis[0].shape.weights();
    return layers.MultiplyAdds() + (front ? front->MultiplyAdds() : 0);
  }

  // Numbers in all tensors.
  uint64_t Values() const;

  // Errors: kInvalidArgument, naming what does not fit: those of Layers::Validate and
  // SpatialFront::Validate; layers that do not map dim() (and the front's features) to dim(); a
  // basis that is not dim x dim, or of more than kMaxBasis maps; no ops or slots; an error bank of
  // another dimension, not finite, or more than kMaxErrorBankRows.
  Status Validate() const;

  // Canonical: equal weights have equal bytes.
  std::string ToSafetensors() const;
  // Parses and validates. Errors: kInvalidArgument.
  static Result<TransformWeights> FromSafetensors(std::string_view bytes);
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_TRANSFORM_WEIGHTS_H_
