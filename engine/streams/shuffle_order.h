// The order of one epoch: all samples in one permutation, or windowed, for data that is larger than
// the memory it is read through.
//
// Windowed: the samples are cut into blocks of kShuffleBlock neighbours, the blocks are put in a
// random order, and each run of `window` samples of that order is permuted. So a stream reads the
// segments of one window and then never again, and every batch mixes window / kShuffleBlock places
// of the collection. tf.data and MosaicML Streaming shuffle their buffers and blocks for the same
// reason; here every position is computed by itself, so that ranks and resumes need no replay.
#ifndef AUGSTORE_ENGINE_STREAMS_SHUFFLE_ORDER_H_
#define AUGSTORE_ENGINE_STREAMS_SHUFFLE_ORDER_H_

#include <cstdint>
#include <optional>

#include "engine/math/permutation.h"

namespace augstore {

// Samples that stay together until their window is permuted. As many as a segment has rows: where a
// collection has its images in the order of their ingest, a block is one segment.
inline constexpr uint64_t kShuffleBlock = 256;

// The window in whole blocks, which has the same orders of n samples; 0 when it holds all of them.
uint64_t WholeWindow(uint64_t n, uint64_t window);

// Not thread-safe: it remembers the window it was in. Cheap to make. The orders decide which
// samples a batch has: they never change.
class ShuffleOrder {
 public:
  // The order of n samples in epoch `epoch` under `seed`, shuffled in windows of
  // WholeWindow(n, window).
  ShuffleOrder(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t window);
  // The sample at `position`. REQUIRES: position < n.
  uint64_t At(uint64_t position);
  // The sample at `position` of the order of blocks, before windows are permuted: positions
  // [a * window, b * window) hold the samples of windows a to b - 1. REQUIRES: position < n; a
  // window.
  uint64_t InBlockOrder(uint64_t position) const;

 private:
  uint64_t n_;
  uint64_t seed_;
  uint64_t epoch_;
  uint64_t window_;    // 0: everything
  Permutation order_;  // of samples, or of blocks
  // The place of the last block, which may be short, in the order of blocks.
  uint64_t short_at_ = 0;
  uint64_t inner_window_ = 0;         // the index of the window that inner_ permutes
  std::optional<Permutation> inner_;  // made when At first comes into a window
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_SHUFFLE_ORDER_H_
