// The front of a spatial transform made ready to be applied: feature maps to features
// (schemas/weights/spatial_front.h). Convolutions are layers of an Engine applied to the patches of
// a map, so a row of features does not depend on the other rows, bit for bit, as in every Engine.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_SPATIAL_FEATURES_H_
#define AUGSTORE_ENGINE_TRANSFORMS_SPATIAL_FEATURES_H_

#include <memory>
#include <vector>

#include "engine/kernels/engine.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Kept between calls, so that memory is allocated once.
struct SpatialScratch {
  std::vector<Matrix> tensors;  // t_0, t_1, … of a block of images, cell by cell
  Matrix patches;
};

// Immutable; any thread may use it.
class SpatialFeatures {
 public:
  // Errors: those of SpatialFront::Validate.
  static Result<std::shared_ptr<const SpatialFeatures>> Make(SpatialFront front);

  const FeatureMapShape& feature_map() const { return shapes_.input; }
  uint32_t features() const { return features_; }
  uint64_t multiply_adds() const { return multiply_adds_; }  // for one row

  // out.row(i) = the features of feature_maps.row(i). REQUIRES: feature_maps.rows == out.rows.
  // Errors: kInvalidArgument (columns), those of Engine::Apply.
  Status Apply(Engine& engine, ConstMatrixView feature_maps, MatrixView out,
               SpatialScratch* scratch) const;

 private:
  // One cell of t_0 takes `weight` times one cell of the feature map.
  struct Tap {
    uint32_t to = 0;
    uint32_t from = 0;
    float weight = 0;
  };
  struct Step {
    Conv plan;  // without its weights
    NetworkPtr network;
  };
  struct Shapes {
    FeatureMapShape input;
    std::vector<FeatureMapShape> tensors;
  };

  SpatialFeatures() = default;
  Status ApplyBlock(Engine& engine, ConstMatrixView feature_maps, MatrixView out,
                    SpatialScratch* scratch) const;
  void Mix(ConstMatrixView feature_maps, Matrix* mixed) const;
  Status ApplyConv(Engine& engine, size_t number, size_t images, SpatialScratch* scratch) const;
  // The patches under the kernel of convolution `number`, a row for each cell of its output.
  void FillPatches(size_t number, size_t images, const Matrix& source, Matrix* patches) const;

  Shapes shapes_;
  uint32_t features_ = 0;
  uint64_t multiply_adds_ = 0;
  std::vector<Tap> taps_;
  std::vector<Step> convs_;  // convs_[i] makes tensor i + 1
};
using SpatialFeaturesPtr = std::shared_ptr<const SpatialFeatures>;

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_SPATIAL_FEATURES_H_
