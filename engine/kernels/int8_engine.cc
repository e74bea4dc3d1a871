#include "engine/kernels/int8_engine.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "engine/kernels/diagonal_layer.h"
#include "engine/kernels/int8_product.h"
#include "engine/kernels/packed_engine.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr int kMostCode = 255;
constexpr int kMostWeight = 127;
static_assert(kMostCode * (kMostWeight + 1) < 1 << 15,
              "products of two neighbours fit 16 bits: their weights sum to 127, and round to 128");
static_assert(int64_t{kMostCode} * kMostWeight * kMaxDim < int64_t{1} << 31,
              "the sum of every row's products fits 32 bits");
constexpr size_t kNeighbour = kInt8Quads;  // distance of two whose products are added in 16 bits
static_assert(kBlockRows % kInt8Tile == 0);

constexpr size_t Groups(size_t in) { return (in + kInt8Group - 1) / kInt8Group; }

// Memory for the intermediate results of a kernel, for the largest product so far.
class ScratchMemory {
 public:
  Int8Scratch For(size_t in) {
    const size_t groups = Groups(in);
    if (groups_ < groups) {
      codes_ = AlignedAlloc<uint32_t>(kBlockRows * groups * kInt8Quads);
      groups_ = groups;
    }
    if (sums_ == nullptr) {
      rows_ = Matrix(2, kBlockRows);
      sums_ = AlignedAlloc<int32_t>(kBlockRows * kInt8Panel);
    }
    return {codes_.get(), sums_.get(), rows_.row(0).data(), rows_.row(1).data()};
  }

 private:
  size_t groups_ = 0;
  std::unique_ptr<uint32_t[], AlignedFree> codes_;
  std::unique_ptr<int32_t[], AlignedFree> sums_;
  Matrix rows_;  // offsets and scales
};

// One layer as int8_engine.h defines it, in the order of int8_product.h.
class Int8Layer {
 public:
  using Scratch = ScratchMemory;

  Int8Layer(const Layer& layer, const Int8Kernel& kernel) : shape_(layer.shape), kernel_(kernel) {
    if (shape_.kind == LayerKind::kDiagonal) {
      diagonal_ = layer;
      return;
    }
    const size_t padded = (shape_.out + kInt8Panel - 1) / kInt8Panel * kInt8Panel;
    const size_t weights = padded * Groups(shape_.in) * kInt8Group;
    weights_ = AlignedAlloc<int8_t>(weights);
    std::fill_n(weights_.get(), weights, int8_t{0});
    channels_ = Matrix(kChannelRows, padded);
    std::fill_n(channels_.data(), kChannelRows * padded, 0.0f);
    std::copy(layer.bias.begin(), layer.bias.end(), channels_.row(kBias).begin());
    for (size_t o = 0; o < shape_.out; ++o)
      PackChannel(std::span(layer.weight).subspan(o * shape_.in, shape_.in), o);
  }

  const LayerShape& shape() const { return shape_; }

  void Apply(size_t rows, const float* source, const float* stack_input, float* target,
             Scratch* scratch) const {
    if (shape_.kind == LayerKind::kDiagonal) {
      return ApplyDiagonal(diagonal_, rows, source, stack_input, target);
    }
    kernel_.run({source, weights_.get(), channels_.row(kScale).data(), channels_.row(kSum).data(),
                 channels_.row(kBias).data(), square() ? channels_.row(kDiagonal).data() : nullptr,
                 shape_.residual ? stack_input : nullptr, target, scratch->For(shape_.in), rows,
                 shape_.in, shape_.out, shape_.activation == Activation::kRelu});
  }

 private:
  enum ChannelRow : size_t { kScale, kSum, kBias, kDiagonal, kChannelRows };

  bool square() const { return shape_.in == shape_.out; }

  // Of the weights of one channel, the greatest sum of two neighbours, each side of 0 by itself. In
  // double, where neither a sum nor a quotient leaves the range.
  double LargestPair(const float* weight) const {
    double largest = 0;
    for (size_t i = 0; i < shape_.in; ++i) {
      if (i % (2 * kNeighbour) >= kNeighbour) continue;
      const double first = weight[i];
      const double second = i + kNeighbour < shape_.in ? weight[i + kNeighbour] : 0;
      largest = std::max({largest, std::max(first, 0.0) + std::max(second, 0.0),
                          std::max(-first, 0.0) + std::max(-second, 0.0)});
    }
    return largest;
  }

  void PackChannel(std::span<const float> weight, size_t o) {
    std::vector<float> rest(weight.begin(), weight.end());
    if (square()) channels_.row(kDiagonal)[o] = std::exchange(rest[o], 0.0f);
    const double largest = LargestPair(rest.data());
    if (largest == 0) return;
    int sum = 0;
    for (size_t i = 0; i < shape_.in; ++i) {
      const auto value = static_cast<int8_t>(std::lround(rest[i] * (kMostWeight / largest)));
      sum += value;
      weights_[Place(o, i)] = value;
    }
    const auto scale = static_cast<float>(largest / kMostWeight);
    channels_.row(kScale)[o] = scale;
    channels_.row(kSum)[o] = scale * static_cast<float>(sum);
  }

  size_t Place(size_t o, size_t i) const {
    const size_t group = o / kInt8Panel * Groups(shape_.in) + i / kInt8Group;
    const size_t quad = i % kInt8Quads;
    const size_t byte = i % kInt8Group / kInt8Quads;
    return ((group * kInt8Quads + quad) * kInt8Panel + o % kInt8Panel) * 4 + byte;
  }

  const LayerShape shape_;
  const Int8Kernel& kernel_;
  Layer diagonal_;  // of a diagonal layer, which leaves the members below empty
  std::unique_ptr<int8_t[], AlignedFree> weights_;
  Matrix channels_;  // by ChannelRow, padded to whole panels
};

}  // namespace

std::vector<const Int8Kernel*> SupportedInt8Kernels() {
  std::vector<const Int8Kernel*> kernels = {&kPortableInt8};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) kernels.push_back(&kAvx2Int8);
#endif
  return kernels;
}

std::unique_ptr<Engine> NewInt8Engine(const Int8Kernel& kernel) {
  return std::make_unique<PackedEngine<Int8Layer, Int8Kernel>>(kernel);
}

std::unique_ptr<Engine> NewInt8Engine() { return NewInt8Engine(*SupportedInt8Kernels().back()); }

}  // namespace augstore
