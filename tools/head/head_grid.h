// The combinations of learning rate, weight decay and seed that one pass trains heads with.
#ifndef AUGSTORE_TOOLS_HEAD_HEAD_GRID_H_
#define AUGSTORE_TOOLS_HEAD_HEAD_GRID_H_

#include <cstdint>
#include <vector>

#include "engine/heads/head_trainer.h"
#include "schemas/base/status.h"

namespace augstore {

// The heads that comma lists ask for: every combination, learning rates outermost, seeds innermost.
// `heads` 0: as many as there are combinations; else one combination is repeated with seeds seed ..
// seed + heads - 1. Errors: kInvalidArgument (a value out of range; a grid of another size than
// `heads`, naming both; more than 1024 heads).
Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_HEAD_GRID_H_
