#include "engine/math/counter_rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace augstore {
namespace {

using Bits = std::array<uint32_t, 4>;

TEST(CounterRng, GivesThePublishedKnownAnswers) {
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Bits{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Bits{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Bits{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// These values decide what streams give. If this test fails, every stored fingerprint is wrong:
// mend the code, not the test.
TEST(CounterRng, NeverChangesItsDraws) {
  EXPECT_EQ(PhiloxBits(0, RngUse::kPermutation, 0, 0),
            (Bits{0xa9e39636, 0x24cbd2fb, 0x7d5ec3be, 0x40f0c400}));
  EXPECT_EQ(PhiloxBits(42, RngUse::kChain, 7, 123456789),
            (Bits{0xf82bedb9, 0xf07e3a5c, 0xf493af00, 0xf2f6214a}));
  EXPECT_EQ(PhiloxBits(UINT64_MAX, RngUse::kSplit, UINT64_MAX, UINT64_MAX),
            (Bits{0x10602264, 0xe08ec72e, 0xe6958f21, 0xd6658c77}));
  EXPECT_EQ(PhiloxBits(1, RngUse::kChain, uint64_t{1} << 40, 3),
            (Bits{0xf2ec7c2d, 0x988ac7f9, 0x41d3d80e, 0x02210605}));
  EXPECT_EQ(PhiloxU64(42, RngUse::kChain, 7, 123456789), 0xf07e3a5cf82bedb9u);
  EXPECT_EQ(PhiloxUniform(42, RngUse::kChain, 7, 123456789), 0x1p-53 * 8461597942941053);
}

TEST(CounterRng, DependsOnEveryArgument) {
  std::set<uint64_t> seen;
  for (const uint64_t seed : {0u, 1u, 2u}) {
    for (const RngUse use :
         {RngUse::kPermutation, RngUse::kChain, RngUse::kSplit, RngUse::kInit, RngUse::kNoise}) {
      for (uint64_t a = 0; a < 20; ++a) {
        for (uint64_t b = 0; b < 20; ++b) seen.insert(PhiloxU64(seed, use, a, b));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3u * 5u * 20u * 20u);
}

TEST(CounterRng, GivesUniformNumbersBelowOne) {
  constexpr int kDraws = 100000;
  constexpr int kBins = 100;
  std::array<int, kBins> counts{};
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = PhiloxUniform(9, RngUse::kNoise, 1, static_cast<uint64_t>(i));
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
    ++counts[static_cast<size_t>(value * kBins)];
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  double chi_squared = 0;
  constexpr double kEach = double{kDraws} / kBins;
  for (const int count : counts) chi_squared += std::pow(count - kEach, 2) / kEach;
  EXPECT_LT(chi_squared, 99 + 4 * std::sqrt(2.0 * 99));
}

}  // namespace
}  // namespace augstore
