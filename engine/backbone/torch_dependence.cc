#include "engine/backbone/torch_dependence.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "engine/backbone/torch_module.h"

namespace augstore {
namespace {

std::span<const float> ValuesOf(const at::Tensor& output, int64_t slot) {
  const auto count = static_cast<size_t>(output.numel() / output.size(0));
  const auto* const values = static_cast<const float*>(output.data_ptr());
  return {values + static_cast<size_t>(slot) * count, count};
}

double SpreadOf(const at::Tensor& output) {
  const auto* const values = static_cast<const float*>(output.data_ptr());
  const std::span<const float> all(values, static_cast<size_t>(output.numel()));
  double sum = 0;
  double squares = 0;
  for (const double value : all) sum += value;
  const double mean = sum / static_cast<double>(all.size());
  for (const double value : all) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(all.size()));
}

// The greatest difference of two rows, in spreads. Values with the same bits do not differ, NaN
// included.
double Difference(std::span<const float> a, std::span<const float> b, double spread) {
  double greatest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) == 0) continue;
    const double difference = std::fabs(double{a[i]} - b[i]) / spread;
    greatest = std::isnan(difference) ? std::numeric_limits<double>::infinity()
                                      : std::max(greatest, difference);
  }
  return greatest;
}

// The images of a batch are of two kinds, in even and in odd slots. One kind stays where it is
// while every slot of the other gets an image of the first; then the other way round. So each image
// is seen beside others, and in a slot that is not its own: for an even number of slots the one
// across.
int64_t OtherKind(int64_t slot, int64_t slots) {
  if (slots % 2 == 0) return slots - 1 - slot;
  return slot + 1 < slots ? slot + 1 : slot - 1;
}

// From the outputs of one run.
class Differences {
 public:
  explicit Differences(const BackboneOutput& plain)
      : plain_(plain),
        spread_(SpreadOf(plain.z)),
        map_spread_(plain.feature_map.defined() ? SpreadOf(plain.feature_map) : 0) {}

  // Of the image that was in slot `before` and is in slot `now` of `other`.
  double Of(const BackboneOutput& other, int64_t before, int64_t now) const {
    const double z = Difference(ValuesOf(plain_.z, before), ValuesOf(other.z, now), spread_);
    if (!plain_.feature_map.defined()) return z;
    return std::max(z, Difference(ValuesOf(plain_.feature_map, before),
                                  ValuesOf(other.feature_map, now), map_spread_));
  }

 private:
  const BackboneOutput& plain_;
  const double spread_;
  const double map_spread_;
};

}  // namespace

Dependence MeasureDependence(torch::jit::Module& module, const at::Tensor& batch) {
  const int64_t slots = batch.size(0);
  const BackboneOutput plain = Forward(module, batch);
  const Differences differences(plain);
  Dependence found;
  for (int64_t kept = 0; slots > 1 && kept < 2; ++kept) {
    at::Tensor other = at::empty_like(batch);
    const auto image_in = [&](int64_t slot) {
      return slot % 2 == kept ? slot : OtherKind(slot, slots);
    };
    for (int64_t slot = 0; slot < slots; ++slot) other[slot].copy_(batch[image_in(slot)]);
    const BackboneOutput output = Forward(module, other);
    for (int64_t slot = 0; slot < slots; ++slot) {
      double& greatest = slot % 2 == kept ? found.on_companions : found.on_slot;
      greatest = std::max(greatest, differences.Of(output, image_in(slot), slot));
    }
  }
  if (slots > 1 && found.on_companions == 0) return found;
  const BackboneOutput again = Forward(module, batch);
  for (int64_t slot = 0; slot < slots; ++slot) {
    found.on_run = std::max(found.on_run, differences.Of(again, slot, slot));
  }
  return found;
}

Status CheckDependence(const Dependence& dependence) {
  if (dependence.on_run > 0) {
    return InvalidArgument(
        "its embedding of an image changes from run to run, by up to {:.2g} of the embeddings' "
        "standard deviation: remove what draws at random, and save the file in evaluation mode",
        dependence.on_run);
  }
  if (dependence.on_companions > 0) {
    return InvalidArgument(
        "its embedding of an image changes with the other images of the batch, by up to {:.2g} of "
        "the embeddings' standard deviation: remove what mixes images, such as batch normalisation "
        "that is not in evaluation mode",
        dependence.on_companions);
  }
  if (dependence.on_slot > kMaxSlotDifference) {
    return InvalidArgument(
        "its embedding of an image changes with the image's slot in the batch, by up to {:.2g} of "
        "the embeddings' standard deviation; rounding may change it by {:.0e}: remove what treats "
        "images of a batch differently, and compute in float32",
        dependence.on_slot, kMaxSlotDifference);
  }
  return OkStatus();
}

}  // namespace augstore
