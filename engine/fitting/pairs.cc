#include "engine/fitting/pairs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/math/unit_length.h"
#include "engine/transforms/holdout.h"

namespace augstore {

TransformPairs SplitPairs(ConstMatrixView z, ConstMatrixView z_target,
                          const PairFeatureMaps& feature_maps,
                          const TransformTrainOptions& options) {
  const size_t images = z.rows / options.views;
  const std::vector<bool> is_held_out =
      HoldoutMask(images, options.seed, options.validation_fraction);
  std::vector<size_t> train;
  std::vector<size_t> held_out;
  for (size_t i = 0; i < z.rows; ++i) {
    if (!is_held_out[i % images]) {
      train.push_back(i);
    } else if (i < images) {
      held_out.push_back(i);
    }
  }
  TransformPairs pairs;
  pairs.train_z = GatherRows(z, train);
  pairs.train_target = GatherRows(z_target, train);
  pairs.held_out_z = GatherRows(z, held_out);
  pairs.held_out_target = GatherRows(z_target, held_out);
  if (feature_maps.feature_maps.rows > 0) {
    pairs.train_feature_maps = GatherRows(feature_maps.feature_maps, train);
    pairs.held_out_feature_maps = GatherRows(feature_maps.feature_maps, held_out);
    pairs.feature_map = feature_maps.shape;
  }
  pairs.non_negative = IsNonNegative(z_target);
  pairs.normalised = HaveUnitLength(z_target);
  return pairs;
}

Matrix GatherRows(ConstMatrixView from, std::span<const size_t> rows) {
  Matrix result(rows.size(), from.cols);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(from.row(rows[i]).data(), from.cols, result.row(i).data());
  }
  return result;
}

Status CheckFinite(ConstMatrixView matrix, std::string_view what) {
  for (size_t i = 0; i < matrix.rows * matrix.cols; ++i) {
    if (std::isfinite(matrix.data[i])) continue;
    return InvalidArgument(
        "row {} of {} has {} at dimension {}: leave that image out, or repair the backbone that "
        "made it",
        i / matrix.cols, what, matrix.data[i], i % matrix.cols);
  }
  return OkStatus();
}

bool IsNonNegative(ConstMatrixView matrix) {
  return std::all_of(matrix.data, matrix.data + matrix.rows * matrix.cols,
                     [](float value) { return value >= 0; });
}

}  // namespace augstore
