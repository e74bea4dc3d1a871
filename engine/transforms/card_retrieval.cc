#include "engine/transforms/card_retrieval.h"

#include <algorithm>
#include <vector>

#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t j = 0; j < a.size(); ++j) {
    const double difference = double{a[j]} - double{b[j]};
    sum += difference * difference;
  }
  return sum;
}

// `count` distinct pairs out of `pairs`, none of them `self`: Floyd's sampling (Bentley and Floyd,
// "Programming pearls: a sample of brilliance", CACM 30, 1987) of the numbers without `self`.
std::vector<size_t> DrawOthers(size_t pairs, size_t self, size_t count, uint64_t seed) {
  std::vector<size_t> drawn;
  const size_t others = pairs - 1;
  for (size_t last = others - count; last < others; ++last) {
    const double uniform = PhiloxUniform(seed, RngUse::kRetrieval, self, last);
    const auto pick = static_cast<size_t>(uniform * static_cast<double>(last + 1));
    drawn.push_back(std::ranges::find(drawn, pick) == drawn.end() ? pick : last);
  }
  for (size_t& index : drawn) index += index >= self ? 1 : 0;
  return drawn;
}

}  // namespace

void MeasureRetrieval(ConstMatrixView z, ConstMatrixView z_target, ConstMatrixView z_mapped,
                      std::span<const ConstMatrixView> other_views, const RetrievalOptions& options,
                      CardEntry* entry) {
  AUGSTORE_CHECK(z.rows >= 1 && z.rows == z_target.rows && z.rows == z_mapped.rows);
  AUGSTORE_CHECK(options.pool >= 2);
  const size_t wanted = options.pool - 2;  // beside z' and z
  const size_t views = std::min(other_views.size(), wanted);
  const size_t others = std::min(z.rows - 1, wanted - views);
  const size_t pairs = std::min<size_t>(z.rows, options.max_pairs);
  double reciprocal = 0;
  double first = 0;
  double first_five = 0;
  for (size_t k = 0; k < pairs; ++k) {
    const size_t i = k * z.rows / pairs;
    const double target = SquaredDistance(z_mapped.row(i), z_target.row(i));
    const auto nearer = [&](std::span<const float> candidate) {
      return SquaredDistance(z_mapped.row(i), candidate) < target ? 1u : 0u;
    };
    uint32_t rank = 1 + nearer(z.row(i));
    for (size_t v = 0; v < views; ++v) rank += nearer(other_views[v].row(i));
    for (const size_t other : DrawOthers(z.rows, i, others, options.seed)) {
      rank += nearer(z_target.row(other));
    }
    reciprocal += 1.0 / rank;
    first += rank <= 1 ? 1 : 0;
    first_five += rank <= 5 ? 1 : 0;
  }
  const double divisor = static_cast<double>(pairs);
  entry->retrieval_pool = static_cast<uint32_t>(2 + views + others);
  entry->mrr = reciprocal / divisor;
  entry->hit1 = first / divisor;
  entry->hit5 = first_five / divisor;
}

}  // namespace augstore
