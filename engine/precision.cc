#include "engine/precision.h"

#include <algorithm>
#include <numeric>

#include "engine/bootstrap.h"
#include "engine/int8_engine.h"

namespace augstore {
namespace {

constexpr std::string_view kInt8Measure = "price_int8";

// G of one step under several conditions.
class PriceMeter {
 public:
  PriceMeter(const TransformStep& step, const ChainInput& in, ConstMatrixView z_target)
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

  Result<double> Explained(Precision precision, Dtype dtype) {
    Matrix z(in_.z.rows, in_.z.cols);
    std::copy_n(in_.z.data, in_.z.rows * in_.z.cols, z.data());
    Round(dtype, z.view());
    Matrix mapped(in_.z.rows, in_.z.cols);
    const std::unique_ptr<Engine> engine = NewEngine(precision);
    AUGSTORE_TRY(ApplyChain(*engine, {&step_, 1}, {.samples = samples_}, {z.view(), in_.maps},
                            mapped.view(), &scratch_));
    Round(dtype, mapped.view());
    return ExplainedOf(SquaredDistances(std::as_const(mapped).view(), z_target_), baselines_);
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

bool Fits(Dtype dtype, ConstMatrixView rows) {
  // What Ω gives is not far from z': a margin of 2 keeps it inside.
  std::vector<float> twice(rows.cols);
  for (size_t i = 0; i < rows.rows; ++i) {
    std::ranges::transform(rows.row(i), twice.begin(), [](float value) { return 2 * value; });
    if (!FitsDtype(dtype, twice)) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<Engine> NewEngine(Precision precision) {
  return precision == Precision::kInt8 ? NewInt8Engine() : NewTileEngine();
}

Result<std::vector<CardMeasure>> MeasurePrices(const TransformStep& step, const ChainInput& in,
                                               ConstMatrixView z_target) {
  std::vector<CardMeasure> prices;
  PriceMeter meter(step, in, z_target);
  if (!meter.anything_moves()) return prices;
  AUGSTORE_ASSIGN(const double exact, meter.Explained(Precision::kF32, Dtype::kF32));
  AUGSTORE_ASSIGN(const double int8, meter.Explained(Precision::kInt8, Dtype::kF32));
  prices.push_back({std::string(kInt8Measure), exact - int8});
  for (const Dtype dtype : {Dtype::kF16, Dtype::kU8}) {
    if (!Fits(dtype, in.z) || !Fits(dtype, z_target)) continue;
    AUGSTORE_ASSIGN(const double rounded, meter.Explained(Precision::kF32, dtype));
    prices.push_back({fmt::format("price_{}", DtypeName(dtype)), exact - rounded});
  }
  return prices;
}

Status CheckPrecision(Precision precision, const std::string& ref, const Card& card) {
  if (precision == Precision::kF32) return OkStatus();
  const auto price = std::ranges::find(card.measures, kInt8Measure, &CardMeasure::name);
  if (price == card.measures.end()) {
    return FailedPrecondition(
        "the card of transform {} does not say what int8 costs it: measure that with `augstore "
        "transform eval {} --save`, or ask for precision f32",
        ref, ref);
  }
  if (price->value <= kMostInt8Price) return OkStatus();
  return FailedPrecondition(
      "int8 costs transform {} {:.4f} of G, and {} is the most that is allowed: ask for precision "
      "f32",
      ref, price->value, kMostInt8Price);
}

}  // namespace augstore
