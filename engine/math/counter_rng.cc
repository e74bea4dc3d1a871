#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57} * counter[2];
    counter = {High(second) ^ counter[1] ^ key[0], Low(second), High(first) ^ counter[3] ^ key[1],
               Low(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

uint64_t MixBits(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::array<uint32_t, 4> PhiloxBits(uint64_t seed, RngUse use, uint64_t a, uint64_t b) {
  const uint64_t key = MixBits(seed + static_cast<uint64_t>(use) * kGolden);
  return Philox4x32({Low(a), High(a), Low(b), High(b)}, {Low(key), High(key)});
}

uint64_t PhiloxU64(uint64_t seed, RngUse use, uint64_t a, uint64_t b) {
  const std::array<uint32_t, 4> bits = PhiloxBits(seed, use, a, b);
  return bits[0] | uint64_t{bits[1]} << 32;
}

double PhiloxUniform(uint64_t seed, RngUse use, uint64_t a, uint64_t b) {
  return static_cast<double>(PhiloxU64(seed, use, a, b) >> 11) * 0x1p-53;
}

}  // namespace augstore
