#include "engine/transforms/transform_chain.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/kernels/tile_engine.h"
#include "engine/math/counter_rng.h"
#include "engine/math/unit_length.h"

namespace augstore {
namespace {

// z and the features of a spatial transform for a block stay in the second-level cache.
constexpr size_t kSpatialRows = 64;

Status CopyRows(ConstMatrixView in, MatrixView out) {
  if (in.rows != out.rows || in.cols != out.cols) {
    return InvalidArgument(
        "an empty chain copies: a {} x {} input needs an output of that size, not {} x {}", in.rows,
        in.cols, out.rows, out.cols);
  }
  if (in.rows > 0 && in.cols > 0) std::memcpy(out.data, in.data, in.rows * in.cols * sizeof(float));
  return OkStatus();
}

// The parameters of every row, one after the other.
std::vector<double> DrawAll(const OpPattern& ops, size_t number, const RowKeys& keys) {
  std::vector<double> parameters;
  if (ops.fixed()) return parameters;
  parameters.resize(keys.samples.size() * ops.parameters());
  for (size_t i = 0; i < keys.samples.size(); ++i) {
    ops.Draw({keys.seed, keys.epoch, keys.samples[i]}, number,
             std::span(parameters).subspan(i * ops.parameters(), ops.parameters()));
  }
  return parameters;
}

void AddErrors(const TransformModel& model, size_t number, const RowKeys& keys, MatrixView out) {
  const uint64_t seed = MixBits(keys.seed ^ MixBits(number + 1));
  for (size_t i = 0; i < out.rows; ++i) {
    const uint64_t draw = PhiloxU64(seed, RngUse::kResidual, keys.epoch, keys.samples[i]) >> 32;
    const size_t chosen = static_cast<size_t>(draw * model.error_bank.rows() >> 32);
    const float* error = model.error_bank.row(chosen).data();
    float* row = out.row(i).data();
    for (size_t c = 0; c < out.cols; ++c) {
      row[c] = Activate(model.activation, row[c] + error[c]);
    }
  }
}

// A row of zeros has no direction and stays.
void Normalise(const TransformModel& model, MatrixView out) {
  if (!model.normalised) return;
  for (size_t i = 0; i < out.rows; ++i) ScaleToUnitLength(out.row(i));
}

Status ApplySpatial(Engine& engine, const TransformModel& model, const ChainInput& in,
                    MatrixView out, ChainScratch* scratch) {
  if (in.feature_maps.rows != in.z.rows) {
    return InvalidArgument("a spatial transform was given {} rows and {} feature maps", in.z.rows,
                           in.feature_maps.rows);
  }
  const size_t features = model.front->features();
  const size_t width = model.dim + features;
  for (size_t begin = 0; begin < in.z.rows; begin += kSpatialRows) {
    const size_t rows = std::min(kSpatialRows, in.z.rows - begin);
    const MatrixView found = Reserve(&scratch->features, rows, features);
    AUGSTORE_TRY(
        model.front->Apply(engine, in.feature_maps.Slice(begin, rows), found, &scratch->front));
    const MatrixView inputs = Reserve(&scratch->inputs, rows, width);
    for (size_t i = 0; i < rows; ++i) {
      std::memcpy(inputs.row(i).data(), in.z.row(begin + i).data(), model.dim * sizeof(float));
      std::memcpy(inputs.row(i).data() + model.dim, found.row(i).data(), features * sizeof(float));
    }
    AUGSTORE_TRY(engine.Apply(model.network, inputs, out.Slice(begin, rows)));
  }
  return OkStatus();
}

Status ApplyStep(Engine& engine, const TransformStep& step, size_t number, const RowKeys& keys,
                 const ChainInput& input, MatrixView out, ChainScratch* scratch) {
  const ConstMatrixView in = input.z;
  const TransformModel& model = *step.model;
  if (in.cols != model.dim || out.cols != model.dim || in.rows != out.rows) {
    return InvalidArgument(
        "a transform of {} columns was given {} x {} to read and {} x {} to write", model.dim,
        in.rows, in.cols, out.rows, out.cols);
  }
  if (model.family.has_value()) {
    const std::vector<double> parameters = DrawAll(*step.ops, number, keys);
    AUGSTORE_TRY(ApplyOpLayers(engine, model, step.op_layers, parameters, in, out, &scratch->ops));
  } else if (model.front != nullptr) {
    AUGSTORE_TRY(ApplySpatial(engine, model, input, out, scratch));
  } else {
    AUGSTORE_TRY(engine.Apply(model.network, in, out));
  }
  if (step.with_noise) {
    Normalise(model, out);  // errors are those of normalised outputs
    AddErrors(model, number, keys, out);
  }
  Normalise(model, out);
  return OkStatus();
}

}  // namespace

Result<TransformStep> MakeStep(const std::string& name, TransformModelPtr model,
                               std::optional<OpPattern> ops, bool with_noise) {
  if (model->family.has_value() != ops.has_value()) {
    if (ops.has_value()) {
      return InvalidArgument("transform {} is for one op and takes no ops in brackets: '[{}]'",
                             name, ops->ToString());
    }
    return InvalidArgument("transform {} is conditional: name its ops in brackets, such as {}[{}]",
                           name, name, model->family->terms().front().ToString());
  }
  if (with_noise && model->error_bank.rows() == 0) {
    return FailedPrecondition(
        "transform {} has no error bank to draw from: train it again, or leave out the '~'", name);
  }
  TransformStep step{std::move(model), std::move(ops), {}, with_noise};
  if (step.ops.has_value()) {
    const Status known = step.model->family->Check(*step.ops);
    if (!known.ok()) return known.WithContext("transform " + name);
    AUGSTORE_ASSIGN(step.op_layers, MakeOpLayers(*step.model, *step.ops));
  }
  return step;
}

Status ApplyStepWith(Engine& engine, const TransformStep& step, std::span<const double> parameters,
                     ConstMatrixView in, MatrixView out) {
  AUGSTORE_CHECK(step.ops.has_value() && parameters.size() == in.rows * step.ops->parameters());
  OpScratch scratch;
  AUGSTORE_TRY(ApplyOpLayers(engine, *step.model, step.op_layers, parameters, in, out, &scratch));
  Normalise(*step.model, out);
  return OkStatus();
}

Result<TransformStep> StepOf(const TransformWeights& weights) {
  AUGSTORE_CHECK(!weights.conditional());
  TransformWeights copy;
  copy.layers = weights.layers;
  copy.front = weights.front;
  copy.normalised = weights.normalised;
  AUGSTORE_ASSIGN(TransformModelPtr model, MakeTransformModel(std::move(copy)));
  return MakeStep("", std::move(model), std::nullopt, false);
}

Status ApplyTransform(const TransformWeights& weights, const ChainInput& in, MatrixView out) {
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(weights));
  const std::vector<SampleId> ids(in.z.rows);
  ChainScratch scratch;
  return ApplyChain(*NewTileEngine(), {&step, 1}, {0, 0, ids}, in, out, &scratch);
}

bool ReadsFeatureMap(std::span<const TransformStep> chain) {
  return !chain.empty() && chain.front().model->front != nullptr;
}

Status CheckFeatureMapsComeFirst(std::span<const TransformStep> chain) {
  for (size_t i = 1; i < chain.size(); ++i) {
    if (chain[i].model->front == nullptr) continue;
    return InvalidArgument(
        "transform {} of the chain reads the feature map of a stored image, and the output of the "
        "transform before it has none: put it first, or train one of a family that reads no "
        "feature "
        "map",
        i + 1);
  }
  return OkStatus();
}

Status ApplyChain(Engine& engine, std::span<const TransformStep> chain, const RowKeys& keys,
                  const ChainInput& input, MatrixView out, ChainScratch* scratch) {
  const ConstMatrixView in = input.z;
  if (chain.empty()) return CopyRows(in, out);
  AUGSTORE_CHECK(keys.samples.size() == in.rows);
  AUGSTORE_TRY(CheckFeatureMapsComeFirst(chain));
  // Two halves: one is read while the other is written.
  size_t width = 0;
  for (size_t i = 0; i + 1 < chain.size(); ++i)
    width = std::max<size_t>(width, chain[i].model->dim);
  const size_t half = in.rows * width;
  float* between = Reserve(&scratch->between, 2 * in.rows, width).data;
  ConstMatrixView source = in;
  for (size_t i = 0; i < chain.size(); ++i) {
    const bool last = i + 1 == chain.size();
    const MatrixView target =
        last ? out : MatrixView{between + (i % 2) * half, in.rows, chain[i].model->dim};
    AUGSTORE_TRY(
        ApplyStep(engine, chain[i], i, keys, {source, input.feature_maps}, target, scratch));
    source = target;
  }
  return OkStatus();
}

}  // namespace augstore
