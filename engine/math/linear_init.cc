#include "engine/math/linear_init.h"

#include <cmath>

#include "engine/math/counter_rng.h"

namespace augstore {

void InitialiseLinear(uint64_t seed, uint64_t layer, uint64_t in, std::span<float> values) {
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  for (size_t i = 0; i < values.size(); ++i) {
    const double uniform = PhiloxUniform(seed, RngUse::kInit, layer, i);
    values[i] = static_cast<float>(bound * (2 * uniform - 1));
  }
}

}  // namespace augstore
