// The families of transforms from the cheapest to the dearest, those that have a
// closed form, and the choice between families that were fitted to the same pairs.
#ifndef AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_
#define AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fitting/affine_fit.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Pairs (z, z') cut into what a transform is fitted to and what it is judged by.
struct TransformPairs {
  Matrix train_z;
  Matrix train_target;
  Matrix held_out_z;
  Matrix held_out_target;
  Matrix train_feature_maps;  // the feature map of every x, likewise; or no rows
  Matrix held_out_feature_maps;
  FeatureMapShape feature_map;
  bool non_negative = false;  // every z' is: a map of the residual form ends in ReLU
};

struct FittedTransform {
  Layers layers;
  std::optional<SpatialFront> front;  // of a family that reads feature maps
  std::string notes;                  // hyperparameters chosen, for the card
};

// Every family, cheapest first. With d the dimension and r a rank, per row:
//   identity    z                                            one diagonal layer, d multiply-adds
//   shift       z + b                                        the same
//   diagonal    w * z + b                                    the same
//   lowrank     z + A z + b, rank of A at most d / 4         two layers d -> r -> d, 2 d r
//   procrustes  R z + b, R orthogonal                        one layer, d²
//   affine      z + A z + b                                  one layer, d²
//   pooled      z + A [z, means of 2 x 2 parts of the map] + b   one layer, d (d + 4 channels)
//   residual    z + MLP(z), from zero                        two layers d -> 2d -> d, 4 d²
//   refined     z + A z + b + V relu(W z + c)                the same
//   mlp         MLP(z), as in the paper                      the same
//   tail        relu(A z + tail(op(map)) + b)                engine/fitting/last_blocks.h
// "pooled" and "last_blocks" need feature maps, "last_blocks" the last blocks of the backbone as
// well.
std::span<const std::string_view> TransformFamilies();
// Whether the family reads feature maps.
bool FamilyReadsFeatureMaps(std::string_view family);

// Fits the families that have a closed form; moments and the ridge map are computed once. All but
// identity end in ReLU when pairs.non_negative. Thread safety: none.
class ClosedForms {
 public:
  explicit ClosedForms(const TransformPairs& pairs);  // REQUIRES: `pairs` outlive it

  static bool Has(std::string_view family);
  // REQUIRES: Has(family); of "pooled", pairs with maps. Errors: those of FitAffine.
  Result<FittedTransform> Fit(std::string_view family);
  // What "affine" is made of; it stays here and, once computed, may be read from any thread.
  // Errors: those of FitAffine.
  Result<const AffineFit*> Ridge();
  const PairMoments& moments();

 private:
  FittedTransform Diagonal(std::string_view family);
  FittedTransform Procrustes();
  Result<FittedTransform> LowRank();
  Result<FittedTransform> Pooled();

  const TransformPairs& pairs_;
  std::optional<PairMoments> moments_;
  std::optional<AffineFit> ridge_;
};

// What the choice needs to know of a family that was fitted.
struct Candidate {
  std::string_view family;
  uint64_t multiply_adds = 0;      // per row
  std::span<const double> errors;  // |Ω(z) - z'|² of each held-out pair
};

// The index of the candidate to take: the one with the greatest G on the held-out pairs, or a
// cheaper one when the 95 % interval of their paired difference does not lie above 2 % of that G:
// the pairs do not tell them apart, or only by what nobody would pay for. Among those the cheapest;
// identity is cheaper than all; of equal cost the one with the greatest G. REQUIRES: at least one;
// errors and baselines of the same length.
size_t ChooseCandidate(std::span<const Candidate> candidates, std::span<const double> baselines,
                       uint64_t seed);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_MODEL_SELECTION_H_
