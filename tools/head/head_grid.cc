#include "tools/head/head_grid.h"

#include <algorithm>
#include <cmath>

namespace augstore {
namespace {

constexpr size_t kMaxHeads = 1024;  // of one pass

}  // namespace

Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads) {
  std::vector<HeadConfig> grid;
  for (const double rate : learning_rates) {
    if (!(rate > 0) || !std::isfinite(rate))
      return InvalidArgument("--lr {} is not a positive number", rate);
    for (const double decay : weight_decays) {
      if (!(decay >= 0) || !std::isfinite(decay))
        return InvalidArgument("--weight-decay {} is negative", decay);
      for (const uint64_t seed : seeds) grid.push_back({rate, decay, seed});
    }
  }
  const size_t count = heads == 0 ? grid.size() : heads;
  if (grid.size() == 1) {
    for (uint64_t h = 1; h < std::min(count, kMaxHeads); ++h) {
      grid.push_back({grid[0].learning_rate, grid[0].weight_decay, grid[0].seed + h});
    }
  }
  if (count > kMaxHeads || grid.size() > kMaxHeads) {
    return InvalidArgument("{} heads in one pass are more than {}: train them in several runs",
                           std::max(count, grid.size()), kMaxHeads);
  }
  if (grid.size() != count) {
    return InvalidArgument(
        "--heads {} and the grid of {} x {} x {} = {} combinations of --lr, --weight-decay and "
        "--seed do not agree: "
        "leave --heads out, or give as many combinations",
        heads, learning_rates.size(), weight_decays.size(), seeds.size(), grid.size());
  }
  return grid;
}

}  // namespace augstore
