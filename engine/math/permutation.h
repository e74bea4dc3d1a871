// A keyed permutation of [0, n) in O(1) memory: a Feistel network over as many bits as n needs
// (at least 8), cycle-walked back into the range (Black & Rogaway, "Ciphers with Arbitrary Finite
// Domains", CT-RSA 2002).
#ifndef AUGSTORE_ENGINE_MATH_PERMUTATION_H_
#define AUGSTORE_ENGINE_MATH_PERMUTATION_H_

#include <array>
#include <cstdint>
#include <span>

#include "engine/math/counter_rng.h"

namespace augstore {

// Immutable; may be used from any thread. The orders decide the samples of every batch: they never
// change.
class Permutation {
 public:
  // The order of epoch `epoch` under `seed`.
  Permutation(uint64_t n, uint64_t seed, uint64_t epoch);
  // The order number (a, b) of another use of the seed.
  Permutation(uint64_t n, uint64_t seed, RngUse use, uint64_t a, uint64_t b);
  // Where position `position` of the order points to. REQUIRES: position < n. Expected at
  // most 2 network evaluations (256 / n for n < 128: a network of fewer than 8 bits is not random
  // enough).
  uint64_t At(uint64_t position) const;
  // At(begin), At(begin + 1), … REQUIRES: begin + out.size() <= size().
  void Fill(uint64_t begin, std::span<int64_t> out) const;
  // The position that points to `index`: the inverse of At. REQUIRES: index < n.
  uint64_t PositionOf(uint64_t index) const;
  uint64_t size() const { return n_; }

 private:
  static constexpr int kRounds = 6;
  uint64_t Forward(uint64_t value) const;
  uint64_t Backward(uint64_t value) const;

  uint64_t n_;
  int left_bits_;
  int right_bits_;
  std::array<uint64_t, kRounds> keys_{};
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_PERMUTATION_H_
