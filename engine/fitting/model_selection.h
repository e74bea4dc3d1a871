// Fits families to the same pairs, and chooses between them.
#ifndef AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_
#define AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/fitting/families.h"
#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"
#include "schemas/records/records.h"

namespace augstore {

// One family that was fitted, and what it does to the held-out pairs.
struct FittedFamily {
  const Family* family = nullptr;
  FittedTransform fitted;
  Matrix mapped;               // Ω(z)
  std::vector<double> errors;  // |Ω(z) - z'|²
  CardEntry entry;
  CardCandidate summary;
};

class FamilyFitter {
 public:
  // REQUIRES: what it is given outlives it; `progress` is not empty.
  FamilyFitter(const TransformPairs& pairs, const TransformTrainOptions& options,
               const TransformProgressCallback& progress);

  // Any thread may fit a family without a closed form once "affine" is fitted. Errors: those of
  // Family::fit.
  Result<FittedFamily> Fit(const Family& family);

  // Fits every family that the pairs allow, cheapest first: closed forms one after another, then
  // the others side by side, each on its share of the threads, last_blocks alone at the end.
  // Families do not wait for each other at every product as threads of one family would, which
  // costs most on a machine that has other work. Returns the families that were fitted before
  // `progress` returned false; `left_out` gets the names of families that could not be fitted, with
  // the reason. Errors: kInternal (Torch failed).
  Result<std::vector<FittedFamily>> FitAll(std::string* left_out);

  // The family to take (ChooseCandidate). REQUIRES: at least one, of this fitter.
  FittedFamily& Choose(std::vector<FittedFamily>& fitted) const;

 private:
  const TransformPairs& pairs_;
  const TransformTrainOptions& options_;
  const TransformProgressCallback& progress_;
  ClosedForms closed_forms_;
  std::vector<double> baselines_;  // |z - z'|² of each held-out pair
};

// What the choice needs to know of a family that was fitted.
struct Candidate {
  uint64_t cost = 0;               // multiply-adds per row; 0: does nothing
  std::span<const double> errors;  // |Ω(z) - z'|² of each held-out pair
};

// Returns the index of the candidate to take: the one with the greatest G on the held-out pairs, or
// a cheaper one when the 95 % interval of their paired difference does not lie above 2 % of that G.
// Such pairs do not tell the two apart, or only by a difference that is not worth its cost. Of
// these it takes the cheapest; of equal cost the one with the greatest G. REQUIRES: at least one;
// errors and baselines of the same length.
size_t ChooseCandidate(std::span<const Candidate> candidates, std::span<const double> baselines,
                       uint64_t seed);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_
