// AdamW and SGD with momentum on plain arrays, as torch.optim defines them.
#ifndef AUGSTORE_ENGINE_MATH_OPTIMIZER_H_
#define AUGSTORE_ENGINE_MATH_OPTIMIZER_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

enum class OptimizerKind { kAdamW, kSgd };
// "adamw" or "sgd". Errors: kInvalidArgument.
Result<OptimizerKind> ParseOptimizer(std::string_view text);

// What one step does to every parameter: AdamW with betas 0.9 and 0.999 and decoupled decay, or SGD
// with momentum 0.9.
struct OptimizerStep {
  // `number` counts steps from 1.
  OptimizerStep(OptimizerKind kind, double learning_rate, double weight_decay, uint64_t number);

  OptimizerKind kind;
  float rate;             // AdamW: with the bias correction of the first moment
  float keep;             // AdamW: what decay leaves of a parameter
  float decay;            // SGD: added to the gradient per unit of the parameter
  float root_correction;  // AdamW: of the root of the second moment
};

// Updates `parameters` and their moments, all of gradient.size() elements. The moments start at
// zero; SGD leaves `second` alone, which may then be null. Each element depends on the elements at
// its index alone.
void UpdateParameters(const OptimizerStep& step, std::span<const float> gradient, float* parameters,
                      float* first, float* second);

// Linear warm-up over the first 5 % of `total` steps, then a cosine to 0; `base` throughout when
// total is 0. `done` counts the steps before this one.
double ScheduledRate(double base, uint64_t done, uint64_t total);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_OPTIMIZER_H_
