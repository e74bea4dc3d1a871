// Pairs (z, z') as families are fitted to them, and what a fit returns.
#ifndef AUGSTORE_ENGINE_FITTING_PAIRS_H_
#define AUGSTORE_ENGINE_FITTING_PAIRS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/fitting/fit_options.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Pairs cut into what a transform is fitted to and what it is judged by.
struct TransformPairs {
  Matrix train_z;
  Matrix train_target;
  Matrix held_out_z;
  Matrix held_out_target;
  Matrix train_feature_maps;  // the feature map of every x, likewise; or no rows
  Matrix held_out_feature_maps;
  FeatureMapShape feature_map;
  bool non_negative = false;  // every z' is: layers of the residual form end in ReLU
  bool normalised = false;    // every z' has length 1: outputs are scaled to it
};

struct FittedTransform {
  Layers layers;
  std::optional<SpatialFront> front;  // of a family that reads feature maps
  std::string notes;                  // hyperparameters chosen, for the card
};

// Cuts pairs by HoldoutMask. All views of an image are on one side, and only its first view judges:
// the others would count the image again. REQUIRES: checked options, z.rows a multiple of
// options.views.
TransformPairs SplitPairs(ConstMatrixView z, ConstMatrixView z_target,
                          const PairFeatureMaps& feature_maps,
                          const TransformTrainOptions& options);

// Copies of rows of `from`, in the order of `rows`.
Matrix GatherRows(ConstMatrixView from, std::span<const size_t> rows);

// Errors: kInvalidArgument (NaN or infinity, naming row and column; `what` names the matrix).
Status CheckFinite(ConstMatrixView matrix, std::string_view what);

bool IsNonNegative(ConstMatrixView matrix);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_PAIRS_H_
