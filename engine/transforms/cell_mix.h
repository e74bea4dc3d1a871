// The linear maps of a feature map's cells that spatial transforms begin with: means over parts of
// the map, and an op of images applied to the map.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_CELL_MIX_H_
#define AUGSTORE_ENGINE_TRANSFORMS_CELL_MIX_H_

#include <cstdint>
#include <vector>

#include "engine/images/image_ops.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Returns SpatialFront::mix, out_height * out_width x feature_map.cells(): means over out_height x
// out_width parts of the feature map, as even as they can be (adaptive average pooling), then `op`
// (may be null) on these means. Flips, rotate, zoom and translate move cells as they move pixels:
// about the centre, bilinear, borders by reflection, a translation scaled from the input_height x
// input_width pixels of the image to the cells. Other ops leave the cells where they are. REQUIRES:
// out_height in 1 .. feature_map.height, out_width in 1 .. feature_map.width.
std::vector<float> MakeCellMix(const FeatureMapShape& feature_map, uint32_t out_height,
                               uint32_t out_width, const ImageOp* op, uint32_t input_height,
                               uint32_t input_width);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_CELL_MIX_H_
