#include "engine/head_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/linear_init.h"
#include "engine/onednn_gemm.h"

namespace augstore {
namespace {

// Wide enough for Gemm to run at full speed, narrow enough that one hidden layer feeds several
// threads.
constexpr size_t kTileWidth = 128;

size_t Tiles(size_t width) { return (width + kTileWidth - 1) / kTileWidth; }
size_t TileWidth(size_t width, size_t tile) {
  return std::min(kTileWidth, width - tile * kTileWidth);
}

// Softmax cross-entropy of one row; `delta` gets the gradient by logits times `scale`.
double RowLoss(std::span<const float> logits, size_t label, float scale, float* delta) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float sum = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    delta[c] = std::exp(logits[c] - largest);
    sum += delta[c];
  }
  const float factor = scale / sum;
  for (size_t c = 0; c < logits.size(); ++c) delta[c] *= factor;
  delta[label] -= scale;
  return std::log(static_cast<double>(sum)) + largest - logits[label];
}

}  // namespace

HeadNetworks::HeadNetworks(std::vector<uint32_t> widths, std::span<const uint64_t> seeds,
                           WorkerPool* pool)
    : heads_(seeds.size()), pool_(pool) {
  size_t largest_tile = 0;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    LayerPlace place;
    place.in = widths[l];
    place.out = widths[l + 1];
    place.weight = head_size_;
    place.bias = place.weight + place.in * place.out;
    place.tiles_out = Tiles(place.out);
    place.tiles_in = Tiles(place.in);
    head_size_ = place.bias + place.out;
    largest_tile = std::max(largest_tile, std::min(kTileWidth, place.out) * (place.in + 1));
    layers_.push_back(place);
  }
  parameters_.resize(heads_ * head_size_);
  activations_.resize(layers_.size());
  deltas_.resize(layers_.size());
  scratch_.assign(pool_->threads(), std::vector<float>(largest_tile));
  pool_->Run(heads_, [&](size_t head, size_t) { Initialise(head, seeds[head]); });
}

void HeadNetworks::Initialise(size_t head, uint64_t seed) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    const size_t count = place.in * place.out + place.out;
    InitialiseLinear(seed, l, place.in, {Parameters(head) + place.weight, count});
  }
}

void HeadNetworks::Reserve(size_t rows) {
  rows_ = rows;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const size_t size = heads_ * rows * layers_[l].out;
    if (activations_[l].size() >= size) continue;
    activations_[l].resize(size);
    deltas_[l].resize(size);
  }
}

void HeadNetworks::RunTiles(size_t tiles, const std::function<void(size_t, size_t, size_t)>& f) {
  pool_->Run(heads_ * tiles,
             [&](size_t part, size_t thread) { f(part / tiles, part % tiles, thread); });
}

std::vector<HeadScore> HeadNetworks::Forward(ConstMatrixView x, std::span<const int32_t> labels) {
  Reserve(x.rows);
  const size_t last = layers_.size() - 1;
  for (size_t l = 0; l <= last; ++l) {
    RunTiles(layers_[l].tiles_out,
             [&](size_t h, size_t tile, size_t) { ForwardTile(x, l, h, tile); });
  }
  std::vector<HeadScore> scores(heads_);
  pool_->Run(heads_, [&](size_t h, size_t) { scores[h] = Score(h, labels); });
  return scores;
}

void HeadNetworks::ForwardTile(ConstMatrixView x, size_t l, size_t h, size_t tile) {
  const LayerPlace& place = layers_[l];
  const size_t begin = tile * kTileWidth;
  const size_t width = TileWidth(place.out, tile);
  const float* weight = Parameters(h) + place.weight + begin * place.in;
  const float* bias = Parameters(h) + place.bias + begin;
  float* out = Output(l, h) + begin;
  for (size_t row = 0; row < rows_; ++row) std::copy_n(bias, width, out + row * place.out);
  Gemm(false, true, rows_, width, place.in, Input(x, l, h), place.in, weight, place.in, 1, out,
       place.out);
  if (l + 1 == layers_.size()) return;
  for (size_t row = 0; row < rows_; ++row) {
    float* values = out + row * place.out;
    for (size_t i = 0; i < width; ++i) values[i] = values[i] > 0 ? values[i] : 0;
  }
}

HeadScore HeadNetworks::Score(size_t h, std::span<const int32_t> labels) {
  const size_t last = layers_.size() - 1;
  const size_t classes = layers_[last].out;
  const float scale = 1 / static_cast<float>(rows_);
  HeadScore score;
  for (size_t row = 0; row < rows_; ++row) {
    const std::span<const float> logits(Output(last, h) + row * classes, classes);
    const auto label = static_cast<size_t>(labels[row]);
    score.loss_sum += RowLoss(logits, label, scale, Delta(last, h) + row * classes);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    score.hits += static_cast<size_t>(best) == label ? 1 : 0;
  }
  return score;
}

void HeadNetworks::BackwardAndUpdate(ConstMatrixView x, std::span<const OptimizerStep> steps) {
  first_.resize(parameters_.size());
  if (steps.front().kind == OptimizerKind::kAdamW) second_.resize(parameters_.size());
  for (size_t l = layers_.size() - 1; l > 0; --l) {
    RunTiles(layers_[l].tiles_in,
             [&](size_t h, size_t tile, size_t) { InputDeltaTile(l, h, tile); });
  }
  // Every delta is known, so the layers update in one go.
  size_t tiles = 0;
  for (const LayerPlace& place : layers_) tiles += place.tiles_out;
  RunTiles(tiles, [&](size_t h, size_t tile, size_t thread) {
    size_t l = 0;
    for (; tile >= layers_[l].tiles_out; ++l) tile -= layers_[l].tiles_out;
    UpdateTile(x, l, h, tile, steps[h], scratch_[thread].data());
  });
}

// Columns of the delta of layer l - 1 from the delta of layer l.
void HeadNetworks::InputDeltaTile(size_t l, size_t h, size_t tile) {
  const LayerPlace& place = layers_[l];
  const size_t begin = tile * kTileWidth;
  const size_t width = TileWidth(place.in, tile);
  const float* weight = Parameters(h) + place.weight + begin;
  float* delta = Delta(l - 1, h) + begin;
  Gemm(false, false, rows_, width, place.out, Delta(l, h), place.out, weight, place.in, 0, delta,
       place.in);
  const float* activation = Output(l - 1, h) + begin;
  for (size_t row = 0; row < rows_; ++row) {
    const float* values = activation + row * place.in;
    float* out = delta + row * place.in;
    for (size_t i = 0; i < width; ++i) out[i] = values[i] > 0 ? out[i] : 0;
  }
}

void HeadNetworks::UpdateTile(ConstMatrixView x, size_t l, size_t h, size_t tile,
                              const OptimizerStep& step, float* scratch) {
  const LayerPlace& place = layers_[l];
  const size_t begin = tile * kTileWidth;
  const size_t width = TileWidth(place.out, tile);
  const size_t weights = width * place.in;
  const float* delta = Delta(l, h) + begin;
  Gemm(true, false, width, place.in, rows_, delta, place.out, Input(x, l, h), place.in, 0, scratch,
       place.in);
  float* bias_gradient = scratch + weights;
  std::fill_n(bias_gradient, width, 0.0F);
  for (size_t row = 0; row < rows_; ++row) {
    for (size_t i = 0; i < width; ++i) bias_gradient[i] += delta[row * place.out + i];
  }
  const auto update = [&](size_t offset, const float* gradient, size_t count) {
    const size_t at = h * head_size_ + offset;
    UpdateParameters(step, {gradient, count}, parameters_.data() + at, first_.data() + at,
                     second_.empty() ? nullptr : second_.data() + at);
  };
  update(place.weight + begin * place.in, scratch, weights);
  update(place.bias + begin, bias_gradient, width);
}

Layers HeadNetworks::Export(size_t head) const {
  Layers result;
  const float* parameters = parameters_.data() + head * head_size_;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    Layer layer;
    layer.shape.in = static_cast<uint32_t>(place.in);
    layer.shape.out = static_cast<uint32_t>(place.out);
    layer.shape.activation = l + 1 < layers_.size() ? Activation::kRelu : Activation::kNone;
    layer.weight.assign(parameters + place.weight, parameters + place.bias);
    layer.bias.assign(parameters + place.bias, parameters + place.bias + place.out);
    result.layers.push_back(std::move(layer));
  }
  return result;
}

void HeadNetworks::Import(size_t head, const Layers& weights) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = weights.layers[l];
    std::ranges::copy(layer.weight, Parameters(head) + layers_[l].weight);
    std::ranges::copy(layer.bias, Parameters(head) + layers_[l].bias);
  }
}

}  // namespace augstore
