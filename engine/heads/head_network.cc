#include "engine/heads/head_network.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/kernels/tile_engine.h"
#include "engine/math/linear_init.h"

namespace augstore {
namespace {

// Rows of a tile: enough to use a panel again while it is in the first cache, few enough that
// narrow layers feed several threads. The most is a multiple of every kernel's panel.
constexpr size_t kLeastRows = 24;
constexpr size_t kMostRows = 128;
constexpr size_t kTilesPerThread = 8;
// Elements that are worth a thread when a batch is packed.
constexpr size_t kPackElements = size_t{1} << 17;
constexpr std::array<float, kMostPanel> kZeros{};
// Sums side by side of the gradient of one bias.
constexpr size_t kLanes = 8;

// The sum of `count` values, a multiple of kLanes, in an order that no kernel's panel changes.
float Sum(const float* values, size_t count) {
  std::array<float, kLanes> lanes{};
  for (size_t i = 0; i < count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

void Grow(std::vector<float>* values, size_t size) {
  if (values->size() < size) values->resize(size);
}

}  // namespace

HeadNetworks::HeadNetworks(std::vector<uint32_t> widths, std::span<const uint64_t> seeds,
                           WorkerPool* pool)
    : kernel_(*SupportedTiles().back()),
      width_(kernel_.panel),
      heads_(seeds.size()),
      pool_(pool),
      activations_(widths.size() - 1),
      deltas_(widths.size() - 1),
      feature_panels_(widths.size() - 1),
      scratch_(pool->threads()) {
  size_t parameters = 0;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    LayerPlace place;
    place.in = widths[l];
    place.out = widths[l + 1];
    place.rows = heads_ * place.out;
    place.weight = parameters;
    place.bias = place.weight + place.rows * place.in;
    place.tiles = CutIntoTiles(place, l == 0);
    parameters = place.bias + place.rows;
    layers_.push_back(std::move(place));
  }
  parameters_.resize(parameters);
  pool_->Run(heads_, [&](size_t head, size_t) { Initialise(head, seeds[head]); });
}

// A tile of a layer whose input is of one head stays within that head.
std::vector<HeadNetworks::Tile> HeadNetworks::CutIntoTiles(const LayerPlace& place,
                                                           bool shared_input) const {
  const size_t part = shared_input ? place.rows : place.out;
  const size_t wanted = place.rows / (kTilesPerThread * pool_->threads());
  const size_t most = std::clamp(WholePanels(wanted, kLeastRows), kLeastRows, kMostRows);
  std::vector<Tile> tiles;
  for (size_t begin = 0; begin < place.rows; begin += part) {
    for (size_t row = 0; row < part; row += most) {
      tiles.push_back({begin + row, std::min(most, part - row)});
    }
  }
  return tiles;
}

void HeadNetworks::Initialise(size_t head, uint64_t seed) {
  std::vector<float> values;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    const size_t weights = place.in * place.out;
    values.resize(weights + place.out);
    InitialiseLinear(seed, l, place.in, values);
    std::copy_n(values.data(), weights, parameters_.data() + place.weight + head * weights);
    std::copy_n(values.data() + weights, place.out,
                parameters_.data() + place.bias + head * place.out);
  }
}

void HeadNetworks::ReserveForward(size_t rows) {
  rows_ = rows;
  padded_ = WholePanels(rows, width_);
  Grow(&sample_panels_, padded_ * layers_[0].in);
  for (size_t l = 0; l < layers_.size(); ++l) Grow(&activations_[l], padded_ * layers_[l].rows);
  Grow(&deltas_[last()], padded_ * layers_[last()].rows);
}

void HeadNetworks::ReserveBackward() {
  size_t scratch = 0;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    Grow(&deltas_[l], padded_ * place.rows);
    Grow(&feature_panels_[l], (l == 0 ? 1 : heads_) * padded_ * WholePanels(place.in, width_));
    const size_t widest = std::min(kMostRows, place.rows);
    scratch = std::max({scratch, widest * (place.in + 1 + padded_), kMostRows * place.out});
  }
  for (std::vector<float>& values : scratch_) Grow(&values, scratch);
}

void HeadNetworks::Pack(size_t panels, size_t elements, const std::function<void(size_t)>& pack) {
  const size_t parts = std::clamp<size_t>(elements / kPackElements, 1, panels);
  pool_->Run(parts, [&](size_t part, size_t) {
    for (size_t p = part * panels / parts; p < (part + 1) * panels / parts; ++p) pack(p);
  });
}

std::vector<HeadScore> HeadNetworks::Forward(ConstMatrixView x, std::span<const int32_t> labels) {
  ReserveForward(x.rows);
  Pack(padded_ / width_, x.rows * x.cols,
       [&](size_t panel) { PackSamplePanel(x, panel, width_, Samples().At(panel * width_, 0)); });
  for (size_t l = 0; l < layers_.size(); ++l) {
    const std::vector<Tile>& tiles = layers_[l].tiles;
    pool_->Run(tiles.size(), [&](size_t tile, size_t) { ForwardTile(l, tiles[tile]); });
  }
  std::vector<HeadScore> scores(heads_);
  pool_->Run(heads_, [&](size_t h, size_t) { scores[h] = Score(h, labels); });
  return scores;
}

void HeadNetworks::RunTile(ConstMatrixView source, const float* panel, const float* bias,
                           Target target, bool relu) {
  kernel_.run({.source = source.data,
               .weights = panel,
               .bias = bias,
               .addend = nullptr,
               .target = target.data,
               .rows = source.rows,
               .in = source.cols,
               .out = target.columns,
               .source_stride = source.cols,
               .target_stride = target.stride,
               .block = kMostDepth,
               .relu = relu});
}

void HeadNetworks::ForwardTile(size_t l, Tile tile) {
  const LayerPlace& place = layers_[l];
  const float* bias = parameters_.data() + place.bias + tile.row;
  const float* weight = parameters_.data() + place.weight + tile.row * place.in;
  for (size_t sample = 0; sample < padded_; sample += width_) {
    float* out = Activations(l).At(sample, tile.row);
    // Rows of the target are features, so a bias is one for its row, not for a column.
    for (size_t i = 0; i < tile.count; ++i) std::fill_n(out + i * width_, width_, bias[i]);
    RunTile({weight, tile.count, place.in}, Input(l, sample, tile.row), nullptr,
            {out, width_, width_}, l < last());
  }
}

HeadScore HeadNetworks::Score(size_t h, std::span<const int32_t> labels) {
  const size_t classes = layers_[last()].out;
  HeadScore score;
  for (size_t sample = 0; sample < padded_; sample += width_) {
    const size_t row = h * classes;
    const HeadScore part =
        ScorePanel(Activations(last()).At(sample, row), classes, width_,
                   labels.subspan(sample, std::min(width_, rows_ - sample)),
                   1 / static_cast<float>(rows_), Deltas(last()).At(sample, row));
    score.loss_sum += part.loss_sum;
    score.hits += part.hits;
  }
  return score;
}

void HeadNetworks::BackwardAndUpdate(ConstMatrixView x, std::span<const OptimizerStep> steps) {
  ReserveBackward();
  first_.resize(parameters_.size());
  if (steps.front().kind == OptimizerKind::kAdamW) second_.resize(parameters_.size());
  Pack(WholePanels(x.cols, width_) / width_, x.rows * x.cols, [&](size_t panel) {
    PackFeaturePanel(x, panel, width_, InputFeatures(0, 0).At(panel * width_, 0));
  });
  for (size_t l = last(); l > 0; --l) {
    const size_t tiles = (layers_[l].in + kMostRows - 1) / kMostRows;
    pool_->Run(heads_ * tiles, [&](size_t part, size_t thread) {
      InputDeltaTile(l, part / tiles, part % tiles, scratch_[thread].data());
    });
  }
  // Every delta is known, so the layers update in one go.
  std::vector<std::pair<size_t, Tile>> tiles;
  for (size_t l = 0; l < layers_.size(); ++l) {
    for (const Tile& tile : layers_[l].tiles) tiles.emplace_back(l, tile);
  }
  pool_->Run(tiles.size(), [&](size_t i, size_t thread) {
    UpdateTile(tiles[i].first, tiles[i].second, steps, scratch_[thread].data());
  });
}

// kMostRows features of one head: the delta of layer l - 1 from the delta of layer l, and layer l's
// input in panels of features.
void HeadNetworks::InputDeltaTile(size_t l, size_t h, size_t tile, float* scratch) {
  const LayerPlace& place = layers_[l];
  const size_t begin = tile * kMostRows;
  const size_t count = std::min(kMostRows, place.in - begin);
  const float* weight = parameters_.data() + place.weight + h * place.out * place.in + begin;
  Transpose(place.out, count, weight, place.in, scratch, place.out);
  const PanelView features = InputFeatures(l, h * place.out);
  for (size_t sample = 0; sample < padded_; sample += width_) {
    const float* input = Activations(l - 1).At(sample, h * place.in + begin);
    float* delta = Deltas(l - 1).At(sample, h * place.in + begin);
    RunTile({scratch, count, place.out}, Deltas(l).At(sample, h * place.out), kZeros.data(),
            {delta, width_, width_}, false);
    for (size_t i = 0; i < count * width_; ++i) delta[i] = input[i] > 0 ? delta[i] : 0;
    for (size_t i = 0; i < count; i += width_) {
      Transpose(std::min(width_, count - i), width_, input + i * width_, width_,
                features.At(begin + i, sample), width_);
    }
  }
}

void HeadNetworks::UpdateTile(size_t l, Tile tile, std::span<const OptimizerStep> steps,
                              float* scratch) {
  const LayerPlace& place = layers_[l];
  float* bias_gradient = scratch + tile.count * place.in;
  float* deltas = bias_gradient + tile.count;  // rows x samples
  for (size_t sample = 0; sample < padded_; sample += width_) {
    const float* from = Deltas(l).At(sample, tile.row);
    for (size_t i = 0; i < tile.count; ++i) {
      std::copy_n(from + i * width_, width_, deltas + i * padded_ + sample);
    }
  }
  const PanelView features = InputFeatures(l, tile.row);
  for (size_t first = 0; first < place.in; first += width_) {
    RunTile({deltas, tile.count, padded_}, features.At(first, 0), kZeros.data(),
            {scratch + first, std::min(width_, place.in - first), place.in}, false);
  }
  for (size_t i = 0; i < tile.count; ++i) bias_gradient[i] = Sum(deltas + i * padded_, padded_);
  const auto update = [&](size_t at, const float* gradient, size_t size, size_t head) {
    UpdateParameters(steps[head], {gradient, size}, parameters_.data() + at, first_.data() + at,
                     second_.empty() ? nullptr : second_.data() + at);
  };
  for (size_t i = 0; i < tile.count; ++i) {
    const size_t row = tile.row + i;
    const size_t head = row / place.out;
    update(place.weight + row * place.in, scratch + i * place.in, place.in, head);
    update(place.bias + row, bias_gradient + i, 1, head);
  }
}

Layers HeadNetworks::Export(size_t head) const {
  Layers result;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    const size_t weights = place.in * place.out;
    const float* weight = parameters_.data() + place.weight + head * weights;
    const float* bias = parameters_.data() + place.bias + head * place.out;
    Layer layer;
    layer.shape.in = static_cast<uint32_t>(place.in);
    layer.shape.out = static_cast<uint32_t>(place.out);
    layer.shape.activation = l < last() ? Activation::kRelu : Activation::kNone;
    layer.weight.assign(weight, weight + weights);
    layer.bias.assign(bias, bias + place.out);
    result.layers.push_back(std::move(layer));
  }
  return result;
}

void HeadNetworks::Import(size_t head, const Layers& weights) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerPlace& place = layers_[l];
    const Layer& layer = weights.layers[l];
    std::ranges::copy(layer.weight,
                      parameters_.data() + place.weight + head * place.in * place.out);
    std::ranges::copy(layer.bias, parameters_.data() + place.bias + head * place.out);
  }
}

}  // namespace augstore
