// A counter-based random generator (Philox4x32-10; Salmon et al., "Parallel Random Numbers: As Easy
// as 1, 2, 3", SC 2011): the value depends on key and counter alone, so draws need no state and no
// order.
#ifndef AUGSTORE_ENGINE_MATH_COUNTER_RNG_H_
#define AUGSTORE_ENGINE_MATH_COUNTER_RNG_H_

#include <array>
#include <cstdint>

namespace augstore {

// What a draw is for; part of the key, so that different uses of one seed are independent. The
// numbers decide the samples of every stream: never change one.
enum class RngUse : uint32_t {
  kPermutation = 1,
  kChain = 2,
  kSplit = 3,
  kInit = 4,
  kNoise = 5,
  kBootstrap = 6,
  kMagnitude = 7,
  kResidual = 8,
  kRetrieval = 9,
  kWindow = 10,
  kView = 11
};

// The published function: 10 rounds on a 128-bit counter under a 64-bit key.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A bijection of 64-bit integers in which every input bit changes every output bit with probability
// near 1/2 (the finaliser of SplitMix64).
uint64_t MixBits(uint64_t value);

// 128 random bits for (seed, use, a, b): Philox4x32 with counter (a, b), low words first, and key
// MixBits(seed + use * 0x9e3779b97f4a7c15).
std::array<uint32_t, 4> PhiloxBits(uint64_t seed, RngUse use, uint64_t a, uint64_t b);

// The first 64 of those bits, low word first.
uint64_t PhiloxU64(uint64_t seed, RngUse use, uint64_t a, uint64_t b);

// Uniform in [0, 1), 53 bits: the upper bits of PhiloxU64.
double PhiloxUniform(uint64_t seed, RngUse use, uint64_t a, uint64_t b);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_COUNTER_RNG_H_
