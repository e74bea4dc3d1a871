// A counter-based random generator (Philox4x32-10; Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011):
// the value depends on key and counter alone, so draws need no state and no order.
#ifndef AUGSTORE_ENGINE_COUNTER_RNG_H_
#define AUGSTORE_ENGINE_COUNTER_RNG_H_

#include <array>
#include <cstdint>

namespace augstore {

// What a draw is for; part of the key, so that different uses of one seed are independent. Decides which samples a stream
// gives: never change a number.
enum class RngUse : uint32_t { kPermutation = 1, kChain = 2, kSplit = 3, kInit = 4, kNoise = 5 };

// 128 random bits for (seed, use, a, b).
std::array<uint32_t, 4> PhiloxBits(uint64_t seed, RngUse use, uint64_t a, uint64_t b);

// Uniform in [0, 1), 53 bits.
double PhiloxUniform(uint64_t seed, RngUse use, uint64_t a, uint64_t b);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_COUNTER_RNG_H_
