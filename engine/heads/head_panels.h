// How HeadNetworks keeps a batch: in panels of `width` columns, the order in which the tile kernels
// take the second factor of a product (tile_product.h).
//
// Panels of samples, [samples / width][features][width], serve products along the features: the
// output of a layer, and the gradient by its input. Panels of features,
// [features / width][samples][width], serve sums over the samples: the gradient by its weights.
// Samples are filled up with zeros to a whole panel; the values of features beyond the last are
// never used.
#ifndef AUGSTORE_ENGINE_HEADS_HEAD_PANELS_H_
#define AUGSTORE_ENGINE_HEADS_HEAD_PANELS_H_

#include <cstdint>
#include <span>

#include "schemas/base/types.h"

namespace augstore {

// Loss and hits of one head on one set of rows.
struct HeadScore {
  double loss_sum = 0;  // of cross-entropy over rows
  uint64_t hits = 0;    // rows whose largest logit is the label's
};

inline size_t WholePanels(size_t count, size_t width) {
  return (count + width - 1) / width * width;
}

// Panels of `width` columns and `rows` rows, one after the other.
struct PanelView {
  float* data;
  size_t rows;
  size_t width;

  // Where row `row` of the panel begins whose first column is `column`, a multiple of the width.
  float* At(size_t column, size_t row) const { return data + column * rows + row * width; }
};

// to[c][r] = from[r][c], a row at every stride. Nothing overlaps.
void Transpose(size_t rows, size_t cols, const float* from, size_t from_stride, float* to,
               size_t to_stride);
// Panel `panel` of the samples of `x`, x.cols x width floats.
void PackSamplePanel(ConstMatrixView x, size_t panel, size_t width, float* out);
// Panel `panel` of the features of `x`, WholePanels(x.rows, width) x width floats.
void PackFeaturePanel(ConstMatrixView x, size_t panel, size_t width, float* out);

// Softmax cross-entropy of the samples of one panel of logits, classes x width; `labels` are of
// the samples that are there, at most `width`. `delta`, of the same shape, becomes the gradient by
// the logits times `scale`, with zeros for samples that are not there. The loss is not finite if
// the label's logit is not, or if another is NaN or +inf. REQUIRES: width is a multiple of 4, at
// most kMostPanel.
HeadScore ScorePanel(const float* logits, size_t classes, size_t width,
                     std::span<const int32_t> labels, float scale, float* delta);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_HEAD_PANELS_H_
