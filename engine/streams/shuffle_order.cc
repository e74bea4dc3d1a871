#include "engine/streams/shuffle_order.h"

#include <algorithm>

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
  if (window_ == 0) return order_.At(position);
  const uint64_t number = position / window_;
  const uint64_t begin = number * window_;
  if (!inner_.has_value() || number != number_) {
    inner_.emplace(std::min(window_, n_ - begin), seed_, RngUse::kWindow, epoch_, number);
    number_ = number;
  }
  return InBlockOrder(begin + inner_->At(position - begin));
}

uint64_t ShuffleOrder::InBlockOrder(uint64_t cell) const {
  const uint64_t short_begin = short_at_ * kShuffleBlock;
  const uint64_t short_size = n_ - (order_.size() - 1) * kShuffleBlock;
  // Behind the short block everything stands closer to the beginning.
  if (cell >= short_begin + short_size) cell += kShuffleBlock - short_size;
  return order_.At(cell / kShuffleBlock) * kShuffleBlock + cell % kShuffleBlock;
}

}  // namespace augstore
