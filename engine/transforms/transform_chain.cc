#include "engine/transforms/transform_chain.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/kernels/tile_engine.h"
#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

// The outputs of an op's layers for a block stay in the second-level cache.
constexpr size_t kBlockRows = 96;
// So do z and the features of a spatial transform.
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

MatrixView Reserve(Matrix* buffer, size_t rows, size_t cols) {
  if (buffer->rows() * buffer->cols() < rows * cols) *buffer = Matrix(rows, cols);
  return {buffer->data(), rows, cols};
}

float Activate(Activation activation, float value) {
  return activation == Activation::kRelu && value < 0 ? 0 : value;
}

Result<NetworkPtr> OneLayer(Layer layer) {
  Layers layers;
  layers.layers.push_back(std::move(layer));
  return MakeNetwork(std::move(layers));
}

// x + sum_p f_p (A_p x + a_p) as one layer.
Layer FixedMap(const TransformModel& model, size_t first, std::span<const float> features) {
  const uint32_t dim = model.dim;
  Layer affine;
  affine.shape = {dim, dim, model.activation, false};
  affine.weight.assign(size_t{dim} * dim, 0);
  affine.bias.assign(dim, 0);
  for (size_t p = 0; p < features.size(); ++p) {
    const Layer& part = model.basis[first + p];
    for (size_t i = 0; i < affine.weight.size(); ++i)
      affine.weight[i] += features[p] * part.weight[i];
    for (size_t i = 0; i < dim; ++i) affine.bias[i] += features[p] * part.bias[i];
  }
  for (size_t i = 0; i < dim; ++i) affine.weight[i * dim + i] += 1;
  return affine;
}

// The affine maps of all features, one below the other.
Layer StackedMaps(const TransformModel& model, size_t first, size_t count) {
  Layer stacked;
  stacked.shape = {model.dim, static_cast<uint32_t>(count * model.dim), Activation::kNone, false};
  for (size_t p = first; p < first + count; ++p) {
    const Layer& part = model.basis[p];
    stacked.weight.insert(stacked.weight.end(), part.weight.begin(), part.weight.end());
    stacked.bias.insert(stacked.bias.end(), part.bias.begin(), part.bias.end());
  }
  return stacked;
}

Result<OpLayer> MakeOpLayer(const TransformModel& model, const OpTerm& op) {
  OpLayer layer{nullptr, op, true};
  std::vector<double> parameters;
  for (const OpTerm::Range& range : op.parameters) {
    layer.fixed = layer.fixed && range.low == range.high;
    parameters.push_back(range.low);
  }
  const size_t first = model.family->FirstFeature(op);
  const size_t count = model.family->FeatureCount(op);
  // The stacked affine maps do not depend on the range.
  const std::string key = layer.fixed ? op.ToString() : op.name + "(..)";
  AUGSTORE_ASSIGN(layer.network, model.derived->Get(key, [&]() -> Result<NetworkPtr> {
    if (!layer.fixed) return OneLayer(StackedMaps(model, first, count));
    std::vector<float> features(count);
    model.family->Features(op, parameters, features);
    return OneLayer(FixedMap(model, first, features));
  }));
  return layer;
}

// Applies one op with drawn parameters, of which those of row i begin at parameters.row(i)[first].
class DrawnOp {
 public:
  DrawnOp(Engine& engine, const TransformModel& model, const OpLayer& layer, ChainScratch* scratch)
      : engine_(engine),
        model_(model),
        layer_(layer),
        scratch_(scratch),
        features_(model.family->FeatureCount(layer.op)) {}

  Status Apply(ConstMatrixView in, std::span<const double> parameters, size_t stride,
               MatrixView out) {
    for (size_t begin = 0; begin < in.rows; begin += kBlockRows) {
      const size_t rows = std::min(kBlockRows, in.rows - begin);
      const ConstMatrixView block = in.Slice(begin, rows);
      const MatrixView outputs =
          Reserve(&scratch_->op_outputs, rows, layer_.network->layers.dim_out());
      AUGSTORE_TRY(engine_.Apply(layer_.network, block, outputs));
      for (size_t i = 0; i < rows; ++i) {
        const std::span<const double> own =
            parameters.subspan((begin + i) * stride, layer_.op.parameters.size());
        model_.family->Features(layer_.op, own, features_);
        Combine(block.row(i).data(), outputs.row(i).data(), out.row(begin + i).data());
      }
    }
    return OkStatus();
  }

 private:
  void Combine(const float* in, const float* outputs, float* out) const {
    const size_t dim = model_.dim;
    for (size_t c = 0; c < dim; ++c) {
      float value = in[c];
      for (size_t p = 0; p < features_.size(); ++p) value += features_[p] * outputs[p * dim + c];
      out[c] = Activate(model_.activation, value);
    }
  }

  Engine& engine_;
  const TransformModel& model_;
  const OpLayer& layer_;
  ChainScratch* scratch_;
  std::vector<float> features_;
};

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

Status ApplyOps(Engine& engine, const TransformStep& step, std::span<const double> parameters,
                ConstMatrixView in, MatrixView out, ChainScratch* scratch) {
  const TransformModel& model = *step.model;
  const bool several = step.op_layers.size() > 1;
  float* halves = Reserve(&scratch->ops, several ? 2 * in.rows : 0, model.dim).data;
  ConstMatrixView source = in;
  size_t first = 0;  // parameter of the op
  for (size_t i = 0; i < step.op_layers.size(); ++i) {
    const OpLayer& layer = step.op_layers[i];
    const MatrixView target =
        several ? MatrixView{halves + (i % 2) * in.rows * model.dim, in.rows, model.dim} : out;
    if (layer.fixed) {
      AUGSTORE_TRY(engine.Apply(layer.network, source, target));
    } else {
      DrawnOp op(engine, model, layer, scratch);
      AUGSTORE_TRY(op.Apply(source, parameters.subspan(first), step.ops->parameters(), target));
    }
    first += layer.op.parameters.size();
    source = target;
  }
  return several ? engine.Apply(model.network, source, out) : OkStatus();
}

void AddErrors(const TransformModel& model, size_t number, const RowKeys& keys, MatrixView out) {
  const uint64_t seed = MixBits(keys.seed ^ MixBits(number + 1));
  for (size_t i = 0; i < out.rows; ++i) {
    const uint64_t draw = PhiloxU64(seed, RngUse::kResidual, keys.epoch, keys.samples[i]) >> 32;
    const size_t chosen = static_cast<size_t>(draw * model.error_bank.rows() >> 32);
    const float* residual = model.error_bank.row(chosen).data();
    float* row = out.row(i).data();
    for (size_t c = 0; c < out.cols; ++c) {
      row[c] = Activate(model.activation, row[c] + residual[c]);
    }
  }
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
    AUGSTORE_TRY(ApplyOps(engine, step, parameters, in, out, scratch));
  } else if (model.front != nullptr) {
    AUGSTORE_TRY(ApplySpatial(engine, model, input, out, scratch));
  } else {
    AUGSTORE_TRY(engine.Apply(model.network, in, out));
  }
  if (step.with_noise) AddErrors(model, number, keys, out);
  return OkStatus();
}

}  // namespace

Result<NetworkPtr> DerivedNetworks::Get(const std::string& key,
                                        const std::function<Result<NetworkPtr>()>& make) {
  const MutexLock lock(mutex_);
  if (const auto found = networks_.find(key); found != networks_.end()) {
    if (NetworkPtr network = found->second.lock()) return network;
  }
  std::erase_if(networks_, [](const auto& entry) { return entry.second.expired(); });
  AUGSTORE_ASSIGN(NetworkPtr network, make());
  networks_[key] = network;
  return network;
}

Result<TransformModelPtr> MakeTransformModel(TransformWeights weights) {
  AUGSTORE_TRY(weights.Validate());
  auto model = std::make_shared<TransformModel>();
  model->dim = weights.dim();
  model->activation = weights.layers.layers.back().shape.activation;
  model->error_bank = std::move(weights.error_bank);
  if (weights.conditional()) {
    AUGSTORE_ASSIGN(model->family, OpFamily::Parse(weights.ops, weights.slots));
    if (weights.basis.size() != model->family->features()) {
      return InvalidArgument("the basis has {} affine maps, and the ops '{}' have {} features",
                             weights.basis.size(), weights.ops, model->family->features());
    }
    model->basis = std::move(weights.basis);
  }
  if (weights.front) {
    AUGSTORE_ASSIGN(model->front, SpatialFeatures::Make(std::move(*weights.front)));
  }
  AUGSTORE_ASSIGN(model->network, MakeNetwork(std::move(weights.layers)));
  return TransformModelPtr(std::move(model));
}

Result<TransformStep> MakeStep(const std::string& name, TransformModelPtr model,
                               std::optional<OpPattern> ops, bool with_noise) {
  if (model->family.has_value() != ops.has_value()) {
    if (ops.has_value()) {
      return InvalidArgument("transform {} does one thing and takes no ops in brackets: '[{}]'",
                             name, ops->ToString());
    }
    return InvalidArgument("transform {} is conditional: say what it shall do, such as {}[{}]",
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
    for (const OpTerm& op : step.ops->terms()) {
      AUGSTORE_ASSIGN(OpLayer layer, MakeOpLayer(*step.model, op));
      step.op_layers.push_back(std::move(layer));
    }
  }
  return step;
}

Status ApplyStepWith(Engine& engine, const TransformStep& step, std::span<const double> parameters,
                     ConstMatrixView in, MatrixView out) {
  AUGSTORE_CHECK(step.ops.has_value() && parameters.size() == in.rows * step.ops->parameters());
  ChainScratch scratch;
  return ApplyOps(engine, step, parameters, in, out, &scratch);
}

Result<TransformStep> StepOf(const TransformWeights& weights) {
  AUGSTORE_CHECK(!weights.conditional());
  TransformWeights copy;
  copy.layers = weights.layers;
  copy.front = weights.front;
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
        "transform {} of the chain reads the feature map of a stored image, and what the one "
        "before "
        "it gives has none: put it first, or train one of a family without a map",
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
