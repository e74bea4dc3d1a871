#include "engine/transforms/precision.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/kernels/int8_engine.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/bootstrap.h"

namespace augstore {
namespace {

constexpr std::string_view kLoss = "_loss";
constexpr std::string_view kInt8Loss = "int8_loss";

// G of one step under several conditions.
class LossMeter {
 public:
  LossMeter(const TransformStep& step, const ChainInput& in, ConstMatrixView z_target)
      : step_(step),
        in_(in),
        z_target_(z_target),
        samples_(in.z.rows),
        baselines_(SquaredDistances(in.z, z_target)) {
    std::iota(samples_.begin(), samples_.end(), SampleId{0});
  }

  bool anything_moves() const {
    return std::ranges::any_of(baselines_, [](double moved) { return moved > 0; });
  }

  // Nothing when it is not a number, or when Ω(z) does not fit the dtype.
  Result<std::optional<double>> R2(Precision precision, Dtype dtype) {
    Matrix z(in_.z.rows, in_.z.cols);
    std::copy_n(in_.z.data, in_.z.rows * in_.z.cols, z.data());
    Round(dtype, z.view());
    Matrix mapped(in_.z.rows, in_.z.cols);
    const std::unique_ptr<Engine> engine = NewEngine(precision);
    AUGSTORE_TRY(ApplyChain(*engine, {&step_, 1}, {.samples = samples_},
                            {z.view(), in_.feature_maps}, mapped.view(), &scratch_));
    std::optional<double> r2;
    if (!Fits(dtype, mapped.view())) return r2;
    Round(dtype, mapped.view());
    r2 = R2Of(SquaredDistances(std::as_const(mapped).view(), z_target_), baselines_);
    if (!std::isfinite(*r2)) r2.reset();
    return r2;
  }

  // Whether all rows are finite and the dtype can hold them.
  static bool Fits(Dtype dtype, ConstMatrixView rows) {
    for (size_t i = 0; i < rows.rows; ++i) {
      const std::span<const float> row = rows.row(i);
      if (!std::ranges::all_of(row, [](float value) { return std::isfinite(value); })) return false;
      if (!FitsDtype(dtype, row)) return false;
    }
    return true;
  }

 private:
  static void Round(Dtype dtype, MatrixView rows) {
    for (size_t i = 0; i < rows.rows; ++i) RoundRow(dtype, rows.row(i));
  }

  const TransformStep& step_;
  const ChainInput& in_;
  ConstMatrixView z_target_;
  std::vector<SampleId> samples_;
  std::vector<double> baselines_;
  ChainScratch scratch_;
};

}  // namespace

std::unique_ptr<Engine> NewEngine(Precision precision) {
  return precision == Precision::kInt8 ? NewInt8Engine() : NewTileEngine();
}

Result<std::vector<CardMeasure>> MeasureLosses(const TransformStep& step, const ChainInput& in,
                                               ConstMatrixView z_target) {
  std::vector<CardMeasure> losses;
  LossMeter meter(step, in, z_target);
  if (!meter.anything_moves()) return losses;
  AUGSTORE_ASSIGN(const auto exact, meter.R2(Precision::kF32, Dtype::kF32));
  if (!exact.has_value()) return losses;
  AUGSTORE_ASSIGN(const auto int8, meter.R2(Precision::kInt8, Dtype::kF32));
  if (int8.has_value()) losses.push_back({std::string(kInt8Loss), *exact - *int8});
  for (const Dtype dtype : {Dtype::kF16, Dtype::kU8}) {
    if (!LossMeter::Fits(dtype, in.z)) continue;
    AUGSTORE_ASSIGN(const auto rounded, meter.R2(Precision::kF32, dtype));
    if (!rounded.has_value()) continue;
    losses.push_back({fmt::format("{}{}", DtypeName(dtype), kLoss), *exact - *rounded});
  }
  return losses;
}

std::vector<CardMeasure> WithoutLosses(std::vector<CardMeasure> measures) {
  std::erase_if(measures, [](const CardMeasure& old) { return old.name.ends_with(kLoss); });
  return measures;
}

Status CheckPrecision(Precision precision, const std::string& ref, const TransformModel& model,
                      const Card& card) {
  if (precision == Precision::kF32) return OkStatus();
  if (model.family.has_value()) {
    return FailedPrecondition(
        "transform {} is conditional: what int8 costs it depends on the magnitudes in the policy, "
        "so use precision f32",
        ref);
  }
  const auto loss = std::ranges::find(card.measures, kInt8Loss, &CardMeasure::name);
  if (loss == card.measures.end()) {
    return FailedPrecondition(
        "the card of transform {} does not say what int8 costs it: `augstore transform eval {} "
        "--save` makes a version that does; stream that one, or use precision f32",
        ref, ref);
  }
  if (loss->value <= kMaxInt8Loss) return OkStatus();
  return FailedPrecondition(
      "int8 costs transform {} {:.4f} of G, and {} is the most that is allowed: use precision f32",
      ref, loss->value, kMaxInt8Loss);
}

}  // namespace augstore
