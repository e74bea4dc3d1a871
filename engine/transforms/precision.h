// The engine of a precision, and what a transform loses in precisions and dtypes.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_PRECISION_H_
#define AUGSTORE_ENGINE_TRANSFORMS_PRECISION_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/engine.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/records/records.h"
#include "schemas/weights/dtype.h"

namespace augstore {

// An engine that computes in `precision`.
std::unique_ptr<Engine> NewEngine(Precision precision);

// The most of G that a transform may lose to be applied in int8.
inline constexpr double kMaxInt8Loss = 0.005;

// Returns G of `step` on pairs (z, z') in f32, less G when it is computed in int8 ("int8_loss"),
// and less G when z is read from rows of a dtype and Ω(z) is sent in it ("f16_loss", "u8_loss"). A
// loss is left out where values do not fit a dtype or are not finite; all are left out when no z'
// differs from its z. Not for conditional transforms: what an op loses depends on its magnitude.
// REQUIRES: n x d each, n >= 1, the same shape; as many feature maps when the step reads them;
// nothing drawn. Errors: those of ApplyChain.
Result<std::vector<CardMeasure>> MeasureLosses(const TransformStep& step, const ChainInput& in,
                                               ConstMatrixView z_target);

// Whether the transform named `ref` may be applied in a precision. Errors: kFailedPrecondition (its
// card does not show the loss in int8, or shows more than kMaxInt8Loss; it is conditional).
Status CheckPrecision(Precision precision, const std::string& ref, const TransformModel& model,
                      const Card& card);
// The measures of an older card of the same weights, without losses: they are of other pairs.
std::vector<CardMeasure> WithoutLosses(std::vector<CardMeasure> measures);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_PRECISION_H_
