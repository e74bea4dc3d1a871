// The families that have a closed form.
#ifndef AUGSTORE_ENGINE_FITTING_CLOSED_FORMS_H_
#define AUGSTORE_ENGINE_FITTING_CLOSED_FORMS_H_

#include <optional>
#include <vector>

#include "engine/fitting/affine_fit.h"
#include "engine/fitting/pairs.h"

namespace augstore {

// One method for each family; engine/fitting/families.h has their formulas. The moments and the
// ridge map are computed once. All families but identity end in ReLU when pairs.non_negative.
// Thread safety: none.
class ClosedForms {
 public:
  explicit ClosedForms(const TransformPairs& pairs);  // REQUIRES: `pairs` outlive it

  FittedTransform Identity() const;
  FittedTransform Shift();
  FittedTransform Diagonal();
  FittedTransform Procrustes();
  // Errors of the next three: those of FitAffine.
  Result<FittedTransform> LowRank();
  Result<FittedTransform> Affine();
  Result<FittedTransform> Pooled();  // REQUIRES: pairs with feature maps

  // What Affine is made of. It stays here and, once computed, may be read from any thread. Errors:
  // those of FitAffine.
  Result<const AffineFit*> Ridge();
  const PairMoments& moments();

 private:
  FittedTransform WithSlopes(const std::vector<double>& slopes);

  const TransformPairs& pairs_;
  std::optional<PairMoments> moments_;
  std::optional<AffineFit> ridge_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_CLOSED_FORMS_H_
