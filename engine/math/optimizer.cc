#include "engine/math/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace augstore {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr float kEpsilon = 1e-8F;
constexpr float kMomentum = 0.9F;

void UpdateAdamW(const OptimizerStep& step, std::span<const float> gradient,
                 float* __restrict parameters, float* __restrict first, float* __restrict second) {
  constexpr auto kOld1 = static_cast<float>(kBeta1);
  constexpr auto kNew1 = static_cast<float>(1 - kBeta1);
  constexpr auto kOld2 = static_cast<float>(kBeta2);
  constexpr auto kNew2 = static_cast<float>(1 - kBeta2);
  const float rate = step.rate;
  const float keep = step.keep;
  const float root_correction = step.root_correction;
  const float* __restrict g = gradient.data();
  const size_t size = gradient.size();
  for (size_t i = 0; i < size; ++i) {
    const float mean = kOld1 * first[i] + kNew1 * g[i];
    const float square = kOld2 * second[i] + kNew2 * g[i] * g[i];
    first[i] = mean;
    second[i] = square;
    const float root = std::sqrt(square) * root_correction + kEpsilon;
    parameters[i] = parameters[i] * keep - rate * mean / root;
  }
}

void UpdateSgd(const OptimizerStep& step, std::span<const float> gradient,
               float* __restrict parameters, float* __restrict momentum) {
  const float rate = step.rate;
  const float decay = step.decay;
  const float* __restrict g = gradient.data();
  const size_t size = gradient.size();
  for (size_t i = 0; i < size; ++i) {
    const float velocity = kMomentum * momentum[i] + (g[i] + decay * parameters[i]);
    momentum[i] = velocity;
    parameters[i] -= rate * velocity;
  }
}

}  // namespace

Result<OptimizerKind> ParseOptimizer(std::string_view text) {
  if (text == "adamw") return OptimizerKind::kAdamW;
  if (text == "sgd") return OptimizerKind::kSgd;
  return InvalidArgument("optimizer '{}' does not exist: give adamw or sgd", text);
}

OptimizerStep::OptimizerStep(OptimizerKind which, double learning_rate, double weight_decay,
                             uint64_t number)
    : kind(which), rate(0), keep(1), decay(0), root_correction(1) {
  const auto power = static_cast<double>(number);
  if (kind == OptimizerKind::kAdamW) {
    rate = static_cast<float>(learning_rate / (1 - std::pow(kBeta1, power)));
    keep = static_cast<float>(1 - learning_rate * weight_decay);
    root_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, power)));
  } else {
    rate = static_cast<float>(learning_rate);
    decay = static_cast<float>(weight_decay);
  }
}

void UpdateParameters(const OptimizerStep& step, std::span<const float> gradient, float* parameters,
                      float* first, float* second) {
  if (step.kind == OptimizerKind::kAdamW) {
    UpdateAdamW(step, gradient, parameters, first, second);
  } else {
    UpdateSgd(step, gradient, parameters, first);
  }
}

double ScheduledRate(double base, uint64_t done, uint64_t total) {
  if (total == 0) return base;
  const auto position = static_cast<double>(std::min(done, total));
  const auto length = static_cast<double>(total);
  const double warm_up = 0.05 * length;
  if (position + 1 < warm_up) return base * (position + 1) / warm_up;
  const double progress = (position - warm_up) / (length - warm_up);
  return base * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
}

}  // namespace augstore
