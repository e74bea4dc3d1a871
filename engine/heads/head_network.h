// The arithmetic behind HeadTrainer: the weights of many heads of one architecture, side by side,
// and one training step of all of them, on tile kernels (tile_product.h).
//
// Heads share the batch, so the first layers of all of them are one layer: its rows are the
// features of head 0, then those of head 1, and so on. The batch is packed into panels once.
//
// Why head h of many is bit for bit the head that trains alone: every sum of a product runs in the
// order of its inner elements, whatever the tiles, the threads and the other heads are.
#ifndef AUGSTORE_ENGINE_HEADS_HEAD_NETWORK_H_
#define AUGSTORE_ENGINE_HEADS_HEAD_NETWORK_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/heads/head_panels.h"
#include "engine/kernels/tile_product.h"
#include "engine/math/optimizer.h"
#include "engine/math/worker_pool.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Thread safety: none; it runs on the pool's threads by itself.
class HeadNetworks {
 public:
  // `widths` are dim, the hidden widths, classes; at least two. One head per seed, initialised as
  // torch.nn.Linear does.
  HeadNetworks(std::vector<uint32_t> widths, std::span<const uint64_t> seeds, WorkerPool* pool);

  // Logits, loss and hits of every head. REQUIRES: x.rows > 0, labels.size() == x.rows, every label
  // in [0, classes).
  std::vector<HeadScore> Forward(ConstMatrixView x, std::span<const int32_t> labels);
  // Gradients of the mean loss of the last Forward, and one step of each head: steps[h] says how.
  // `x` is Forward's.
  void BackwardAndUpdate(ConstMatrixView x, std::span<const OptimizerStep> steps);
  Layers Export(size_t head) const;
  // Replaces the weights of one head. REQUIRES: the shapes of Export(head).
  void Import(size_t head, const Layers& weights);
  size_t heads() const { return heads_; }

 private:
  // Rows of a layer that one thread takes at once.
  struct Tile {
    size_t row = 0;
    size_t count = 0;
  };
  // One layer of all heads. A row is a feature of one head.
  struct LayerPlace {
    size_t in = 0;
    size_t out = 0;     // of one head
    size_t rows = 0;    // of all heads
    size_t weight = 0;  // where its rows x in begin in parameters_
    size_t bias = 0;    // where its rows begin there
    std::vector<Tile> tiles;
  };

  size_t last() const { return layers_.size() - 1; }
  // Where RunTile writes: `columns` columns, a row at every `stride`.
  struct Target {
    float* data = nullptr;
    size_t columns = 0;
    size_t stride = 0;
  };

  // What layer l makes of each sample, and the loss by it, in panels of samples.
  PanelView Activations(size_t l) { return {activations_[l].data(), layers_[l].rows, width_}; }
  PanelView Deltas(size_t l) { return {deltas_[l].data(), layers_[l].rows, width_}; }
  PanelView Samples() { return {sample_panels_.data(), layers_[0].in, width_}; }
  // What row `row` of layer l reads of the samples of one panel.
  const float* Input(size_t l, size_t sample, size_t row) {
    if (l == 0) return Samples().At(sample, 0);
    return Activations(l - 1).At(sample, row / layers_[l].out * layers_[l].in);
  }
  // The same of all samples, in panels of features.
  PanelView InputFeatures(size_t l, size_t row) {
    const size_t head = l == 0 ? 0 : row / layers_[l].out;
    const size_t size = padded_ * WholePanels(layers_[l].in, width_);
    return {feature_panels_[l].data() + head * size, padded_, width_};
  }

  std::vector<Tile> CutIntoTiles(const LayerPlace& place, bool shared_input) const;
  void Initialise(size_t head, uint64_t seed);
  // Memory for Forward on `rows` rows, and for what follows it.
  void ReserveForward(size_t rows);
  void ReserveBackward();
  // Packs x into panels with `pack`, in parts that are large enough for a thread.
  void Pack(size_t panels, size_t elements, const std::function<void(size_t)>& pack);
  // target = source times a panel of as many rows as source has columns, plus `bias`; null: plus
  // what the target holds.
  void RunTile(ConstMatrixView source, const float* panel, const float* bias, Target target,
               bool relu);
  void ForwardTile(size_t l, Tile tile);
  HeadScore Score(size_t h, std::span<const int32_t> labels);
  void InputDeltaTile(size_t l, size_t h, size_t tile, float* scratch);
  void UpdateTile(size_t l, Tile tile, std::span<const OptimizerStep> steps, float* scratch);

  const TileKernel& kernel_;
  const size_t width_;  // of panels
  std::vector<LayerPlace> layers_;
  size_t heads_ = 0;
  size_t rows_ = 0;    // of the last Forward
  size_t padded_ = 0;  // rows_ in whole panels
  WorkerPool* pool_;
  std::vector<float> parameters_;
  std::vector<float> first_;  // moments, as parameters_; made by the first step
  std::vector<float> second_;
  std::vector<float> sample_panels_;                // of the batch
  std::vector<std::vector<float>> activations_;     // [layer], after ReLU; the last: logits
  std::vector<std::vector<float>> deltas_;          // [layer]: the loss by what ReLU takes
  std::vector<std::vector<float>> feature_panels_;  // [layer], [head] but for the first
  std::vector<std::vector<float>> scratch_;         // [thread]
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_HEAD_NETWORK_H_
