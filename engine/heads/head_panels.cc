#include "engine/heads/head_panels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "engine/kernels/tile_product.h"
#include "schemas/base/status.h"

namespace augstore {
namespace {

constexpr size_t kSquare = 4;
using Four __attribute__((vector_size(kSquare * sizeof(float)))) = float;
using LooseFour __attribute__((vector_size(kSquare * sizeof(float)), aligned(4), may_alias)) =
    float;

Four Load(const float* from) { return *reinterpret_cast<const LooseFour*>(from); }
void Store(float* to, Four value) { *reinterpret_cast<LooseFour*>(to) = value; }

void TransposeSquare(const float* from, size_t from_stride, float* to, size_t to_stride) {
  const Four a = Load(from);
  const Four b = Load(from + from_stride);
  const Four c = Load(from + 2 * from_stride);
  const Four d = Load(from + 3 * from_stride);
  const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  Store(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  Store(to + to_stride, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  Store(to + 2 * to_stride, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  Store(to + 3 * to_stride, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

// e^x for x <= 0, within two units in the last place; 0 below -80, where a product with it would no
// longer be normal; NaN stays. x = n log 2 + r with a polynomial in r, as in Cody and Waite,
// "Software Manual for the Elementary Functions" (1980).
Four ExpOfNegative(Four x) {
  using Bits __attribute__((vector_size(sizeof(Four)))) = uint32_t;
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: the sum's last bits are the integer
  const Four shifted = x * 1.44269504F + kShift;
  const Four n = shifted - kShift;
  const Four r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Four sum = Four{} + 1.0F / 5040;
  for (const float factorial : {720.0F, 120.0F, 24.0F, 6.0F, 2.0F, 1.0F, 1.0F}) {
    sum = sum * r + 1 / factorial;
  }
  const Four power = sum * std::bit_cast<Four>((std::bit_cast<Bits>(shifted) + 127) << 23);
  return x < -80.0F ? Four{} : power;
}

}  // namespace

HeadScore ScorePanel(const float* logits, size_t classes, size_t width,
                     std::span<const int32_t> labels, float scale, float* delta) {
  AUGSTORE_CHECK(width <= kMostPanel && width % kSquare == 0);
  std::array<float, kMostPanel> largest;
  std::array<float, kMostPanel> sum;
  const size_t end = classes * width;
  for (size_t lane = 0; lane < width; lane += kSquare) {
    Four most = Load(logits + lane);
    for (size_t i = lane + width; i < end; i += width) {
      const Four logit = Load(logits + i);
      most = logit > most ? logit : most;
    }
    Four total{};
    for (size_t i = lane; i < end; i += width) {
      const Four power = ExpOfNegative(Load(logits + i) - most);
      Store(delta + i, power);
      total += power;
    }
    Four there{};
    for (size_t c = 0; c < kSquare; ++c) there[c] = lane + c < labels.size() ? scale : 0;
    const Four factor = there / total;
    for (size_t i = lane; i < end; i += width) Store(delta + i, Load(delta + i) * factor);
    Store(largest.data() + lane, most);
    Store(sum.data() + lane, total);
  }
  HeadScore score;
  for (size_t c = 0; c < labels.size(); ++c) {
    const size_t at = static_cast<size_t>(labels[c]) * width + c;
    delta[at] -= scale;
    score.loss_sum += std::log(static_cast<double>(sum[c])) + largest[c] - logits[at];
    // The first of equal logits is the answer.
    size_t best = c;
    while (best < at && logits[best] != largest[c]) best += width;
    score.hits += best == at && logits[at] == largest[c] ? 1 : 0;
  }
  return score;
}

void Transpose(size_t rows, size_t cols, const float* from, size_t from_stride, float* to,
               size_t to_stride) {
  const size_t square_rows = rows / kSquare * kSquare;
  const size_t square_cols = cols / kSquare * kSquare;
  // Down the columns, so that what is written is written in order.
  for (size_t c = 0; c < square_cols; c += kSquare) {
    for (size_t r = 0; r < square_rows; r += kSquare) {
      TransposeSquare(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = r < square_rows ? square_cols : 0; c < cols; ++c) {
      to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
}

void PackSamplePanel(ConstMatrixView x, size_t panel, size_t width, float* out) {
  const size_t begin = panel * width;
  const size_t samples = std::min(width, x.rows - begin);
  if (samples < width) std::fill_n(out, x.cols * width, 0.0F);
  Transpose(samples, x.cols, x.data + begin * x.cols, x.cols, out, width);
}

void PackFeaturePanel(ConstMatrixView x, size_t panel, size_t width, float* out) {
  const size_t begin = panel * width;
  const size_t features = std::min(width, x.cols - begin);
  for (size_t sample = 0; sample < x.rows; ++sample) {
    std::copy_n(x.data + sample * x.cols + begin, features, out + sample * width);
  }
  const size_t padded = WholePanels(x.rows, width);
  std::fill(out + x.rows * width, out + padded * width, 0.0F);
}

}  // namespace augstore
