// What a spatial transform does before its layers: it turns the feature map of an image, which is
// stored with the embedding (a cut of the backbone, height x width x channels, row-major), into
// features. As data, never code.
//
//   t_0 = mix · feature_map     a fixed linear map of the cells, the same for every channel: an op
//                               applied to them (mirrored, turned), or means over its parts
//   t_i = activation(conv_i(t_source) + bias [+ t_add])     for i = 1 … convolutions
//   features = mean over the cells of the last t; without convolutions t_0 itself, cell by cell
//
// The layers of the transform then read [z, features].
//
// As safetensors: "cell_mix" (F32, [out_height * out_width, height * width]), "conv.<i>.weight"
// (F32, [out, in, kernel, kernel], as in torch.nn.Conv2d) and "conv.<i>.bias" (F32, [out]) for
// i = 1 …; the metadata "augstore.spatial_front" is a JSON object: "feature_map" [height, width,
// channels], "out" [out_height, out_width], and "convs", for each convolution {"source", "stride",
// "activation", "add" (absent: nothing is added)}. Borders are padded with zeros, kernel / 2 on
// each side.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_SPATIAL_FRONT_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_SPATIAL_FRONT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/layers.h"
#include "schemas/weights/safetensors.h"

namespace augstore {

struct FeatureMapShape {
  uint32_t height = 0;
  uint32_t width = 0;
  uint32_t channels = 0;
  bool operator==(const FeatureMapShape&) const = default;
  uint64_t cells() const { return uint64_t{height} * width; }
  uint64_t values() const { return cells() * channels; }
  std::string ToString() const;  // "8x8x128"
};

struct Conv {
  uint32_t in = 0;
  uint32_t out = 0;
  uint32_t kernel = 1;  // 1, 3, 5 or 7
  uint32_t stride = 1;  // 1 or 2
  Activation activation = Activation::kNone;
  uint32_t source = 0;          // number of the tensor that is read
  std::optional<uint32_t> add;  // number of the tensor that is added before the activation
  std::vector<float> weight;    // out x in x kernel x kernel
  std::vector<float> bias;      // out
  bool operator==(const Conv&) const = default;
};

struct SpatialFront {
  FeatureMapShape feature_map;  // what is stored
  uint32_t out_height = 0;      // of t_0
  uint32_t out_width = 0;
  std::vector<float> mix;   // out_height * out_width x height * width, row-major
  std::vector<Conv> convs;  // convs[i] makes tensor number i + 1
  bool operator==(const SpatialFront&) const = default;

  // Numbers that the layers get in addition to z.
  uint32_t features() const;
  // The shape of tensor `number`. REQUIRES: a front that is valid up to there.
  FeatureMapShape ShapeOf(uint32_t number) const;
  // Multiply-adds for one row; those of the mix that multiply by 0 are not counted.
  uint64_t MultiplyAdds() const;

  // Errors: kInvalidArgument, naming what does not fit: shapes over the limits
  // (kMaxFeatureMapCells, kMaxConvs, kMaxDim), tensors that do not exist yet, buffers of other
  // sizes, weights that are not finite.
  Status Validate() const;
};

// For TransformWeights: adds tensors and metadata (they point into `front`); reads a front when
// there is one. A tensor is the front's when it is "cell_mix" or its name begins with "conv.".
// Errors: kInvalidArgument.
void AppendSpatialFront(const SpatialFront& front, std::vector<TensorView>* tensors,
                        std::map<std::string, std::string>* metadata);
bool IsSpatialFrontTensor(const std::string& name);
Result<std::optional<SpatialFront>> ReadSpatialFront(const SafetensorsView& view);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_SPATIAL_FRONT_H_
