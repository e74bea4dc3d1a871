#include "engine/streams/shuffle_order.h"

#include <algorithm>

#include "schemas/base/status.h"

namespace augstore {
namespace {

uint64_t Blocks(uint64_t n) { return (n + kShuffleBlock - 1) / kShuffleBlock; }

}  // namespace

uint64_t WholeWindow(uint64_t n, uint64_t window) {
  if (window == 0 || window >= n) return 0;
  const uint64_t whole = Blocks(window) * kShuffleBlock;
  return whole >= n ? 0 : whole;
}

ShuffleOrder::ShuffleOrder(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t window)
    : n_(n),
      seed_(seed),
      epoch_(epoch),
      window_(WholeWindow(n, window)),
      order_(window_ == 0 ? n : Blocks(n), seed, epoch) {
  if (window_ != 0) short_at_ = order_.PositionOf(order_.size() - 1);
}

uint64_t ShuffleOrder::At(uint64_t position) {
  AUGSTORE_CHECK(position < n_);
  if (window_ == 0) return order_.At(position);
  const uint64_t window = position / window_;
  const uint64_t begin = window * window_;
  if (!inner_.has_value() || window != inner_window_) {
    inner_.emplace(std::min(window_, n_ - begin), seed_, RngUse::kWindow, epoch_, window);
    inner_window_ = window;
  }
  return InBlockOrder(begin + inner_->At(position - begin));
}

uint64_t ShuffleOrder::InBlockOrder(uint64_t position) const {
  AUGSTORE_CHECK(position < n_ && window_ != 0);
  const uint64_t short_begin = short_at_ * kShuffleBlock;
  const uint64_t short_size = n_ - (order_.size() - 1) * kShuffleBlock;
  // After the short block everything is closer to the beginning.
  if (position >= short_begin + short_size) position += kShuffleBlock - short_size;
  return order_.At(position / kShuffleBlock) * kShuffleBlock + position % kShuffleBlock;
}

}  // namespace augstore
