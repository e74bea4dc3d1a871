// The arithmetic behind HeadTrainer: the weights of many heads of one architecture, side by side,
// and one training step of all of them. Plain C++ on Gemm.
//
// Why head h of many is bit for bit the head that trains alone: every product is cut into parts of
// one head and at most kTileWidth columns, a cut that depends on the architecture alone, and each
// part runs on one thread. More heads or more threads only mean that parts run at the same time.
#ifndef AUGSTORE_ENGINE_HEAD_NETWORK_H_
#define AUGSTORE_ENGINE_HEAD_NETWORK_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/optimizer.h"
#include "engine/worker_pool.h"
#include "schemas/layers.h"
#include "schemas/types.h"

namespace augstore {

// Loss and hits of one head on one set of rows.
struct HeadScore {
  double loss_sum = 0;  // of cross-entropy over rows
  uint64_t hits = 0;    // rows whose largest logit is the label's
};

// Thread safety: none; it runs on the pool's threads by itself.
class HeadNetworks {
 public:
  // `widths` are dim, the hidden widths, classes; at least two. One head per seed, initialised as
  // torch.nn.Linear does.
  HeadNetworks(std::vector<uint32_t> widths, std::span<const uint64_t> seeds, WorkerPool* pool);

  // Logits, loss and hits of every head. REQUIRES: labels.size() == x.rows, every label in [0,
  // classes).
  std::vector<HeadScore> Forward(ConstMatrixView x, std::span<const int32_t> labels);
  // Gradients of the mean loss of the last Forward, and one step of each head: steps[h] says how.
  // `x` is Forward's.
  void BackwardAndUpdate(ConstMatrixView x, std::span<const OptimizerStep> steps);
  Layers Export(size_t head) const;
  // Replaces the weights of one head. REQUIRES: the shapes of Export(head).
  void Import(size_t head, const Layers& weights);
  size_t heads() const { return heads_; }

 private:
  struct LayerPlace {
    size_t in = 0;
    size_t out = 0;
    size_t weight = 0;  // offsets within one head's parameters
    size_t bias = 0;
    size_t tiles_out = 0;
    size_t tiles_in = 0;
  };
  // What belongs to layer `l` of head `h`.
  float* Output(size_t l, size_t h) { return activations_[l].data() + h * rows_ * layers_[l].out; }
  float* Delta(size_t l, size_t h) { return deltas_[l].data() + h * rows_ * layers_[l].out; }
  const float* Input(ConstMatrixView x, size_t l, size_t h) {
    return l == 0 ? x.data : Output(l - 1, h);
  }
  float* Parameters(size_t h) { return parameters_.data() + h * head_size_; }

  void Initialise(size_t head, uint64_t seed);
  void Reserve(size_t rows);
  void ForwardTile(ConstMatrixView x, size_t l, size_t h, size_t tile);
  HeadScore Score(size_t h, std::span<const int32_t> labels);
  void InputDeltaTile(size_t l, size_t h, size_t tile);
  void UpdateTile(ConstMatrixView x, size_t l, size_t h, size_t tile, const OptimizerStep& step,
                  float* scratch);
  // Runs f(head, tile, thread) for every head and tile.
  void RunTiles(size_t tiles, const std::function<void(size_t, size_t, size_t)>& f);

  std::vector<LayerPlace> layers_;
  size_t heads_ = 0;
  size_t head_size_ = 0;  // parameters of one head
  size_t rows_ = 0;       // of the last Forward
  WorkerPool* pool_;
  std::vector<float> parameters_;  // [head][layer][weight, bias]
  std::vector<float> first_;       // moments, as parameters_; made by the first step
  std::vector<float> second_;
  std::vector<std::vector<float>>
      activations_;                         // [layer][head][row][out], after ReLU; the last: logits
  std::vector<std::vector<float>> deltas_;  // loss by pre-activation, same shape
  std::vector<std::vector<float>> scratch_;  // [thread]
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEAD_NETWORK_H_
