#include "engine/math/permutation.h"

#include <algorithm>
#include <bit>

#include "schemas/base/status.h"

namespace augstore {
namespace {

constexpr int kMinBits = 8;  // a network of fewer bits is not random enough

int DomainBits(uint64_t n) { return std::max<int>(kMinBits, n <= 1 ? 0 : std::bit_width(n - 1)); }

}  // namespace

Permutation::Permutation(uint64_t n, uint64_t seed, uint64_t epoch)
    : Permutation(n, seed, RngUse::kPermutation, epoch, 0) {}

Permutation::Permutation(uint64_t n, uint64_t seed, RngUse use, uint64_t a, uint64_t b)
    : n_(n), left_bits_(DomainBits(n) / 2), right_bits_(DomainBits(n) - left_bits_) {
  // A step is b * 8 + round in the counter, so that the rounds of neighbouring b do not share keys.
  static_assert(kRounds <= 8);
  for (int round = 0; round < kRounds; ++round) {
    keys_[round] = PhiloxU64(seed, use, a, b * 8 + static_cast<uint64_t>(round));
  }
}

uint64_t Permutation::Forward(uint64_t value) const {
  uint64_t left = value >> right_bits_;
  uint64_t right = value & ((uint64_t{1} << right_bits_) - 1);
  for (int round = 0; round < kRounds; round += 2) {
    left ^= MixBits(right ^ keys_[round]) >> (64 - left_bits_);
    right ^= MixBits(left ^ keys_[round + 1]) >> (64 - right_bits_);
  }
  return left << right_bits_ | right;
}

uint64_t Permutation::Backward(uint64_t value) const {
  uint64_t left = value >> right_bits_;
  uint64_t right = value & ((uint64_t{1} << right_bits_) - 1);
  for (int round = kRounds - 2; round >= 0; round -= 2) {
    right ^= MixBits(left ^ keys_[round + 1]) >> (64 - right_bits_);
    left ^= MixBits(right ^ keys_[round]) >> (64 - left_bits_);
  }
  return left << right_bits_ | right;
}

uint64_t Permutation::At(uint64_t position) const {
  AUGSTORE_CHECK(position < n_);
  uint64_t value = position;
  do {
    value = Forward(value);
  } while (value >= n_);
  return value;
}

void Permutation::Fill(uint64_t begin, std::span<int64_t> out) const {
  AUGSTORE_CHECK(begin <= n_ && out.size() <= n_ - begin);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int64_t>(At(begin + i));
}

uint64_t Permutation::PositionOf(uint64_t index) const {
  AUGSTORE_CHECK(index < n_);
  uint64_t value = index;
  do {
    value = Backward(value);
  } while (value >= n_);
  return value;
}

}  // namespace augstore
