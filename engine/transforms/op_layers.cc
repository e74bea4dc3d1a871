#include "engine/transforms/op_layers.h"

#include <algorithm>
#include <string>
#include <utility>

namespace augstore {
namespace {

// The outputs of an op's layers for a block stay in the second-level cache.
constexpr size_t kBlockRows = 96;

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
  const uint64_t weights = uint64_t{model.dim} * model.dim * (layer.fixed ? 1 : count);
  AUGSTORE_ASSIGN(layer.network, model.derived->Get(key, weights, [&]() -> Result<NetworkPtr> {
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
  DrawnOp(Engine& engine, const TransformModel& model, const OpLayer& layer, OpScratch* scratch)
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
          Reserve(&scratch_->outputs, rows, layer_.network->layers.dim_out());
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
  OpScratch* scratch_;
  std::vector<float> features_;
};

}  // namespace

MatrixView Reserve(Matrix* buffer, size_t rows, size_t cols) {
  if (buffer->rows() * buffer->cols() < rows * cols) *buffer = Matrix(rows, cols);
  return {buffer->data(), rows, cols};
}

Result<std::vector<OpLayer>> MakeOpLayers(const TransformModel& model, const OpPattern& ops) {
  std::vector<OpLayer> layers;
  for (const OpTerm& op : ops.terms()) {
    AUGSTORE_ASSIGN(OpLayer layer, MakeOpLayer(model, op));
    layers.push_back(std::move(layer));
  }
  return layers;
}

Status ApplyOpLayers(Engine& engine, const TransformModel& model, std::span<const OpLayer> layers,
                     std::span<const double> parameters, ConstMatrixView in, MatrixView out,
                     OpScratch* scratch) {
  const bool several = layers.size() > 1;
  float* halves = Reserve(&scratch->between, several ? 2 * in.rows : 0, model.dim).data;
  size_t stride = 0;
  for (const OpLayer& layer : layers) stride += layer.op.parameters.size();
  ConstMatrixView source = in;
  size_t first = 0;  // parameter of the op
  for (size_t i = 0; i < layers.size(); ++i) {
    const OpLayer& layer = layers[i];
    const MatrixView target =
        several ? MatrixView{halves + (i % 2) * in.rows * model.dim, in.rows, model.dim} : out;
    if (layer.fixed) {
      AUGSTORE_TRY(engine.Apply(layer.network, source, target));
    } else {
      DrawnOp op(engine, model, layer, scratch);
      AUGSTORE_TRY(op.Apply(source, parameters.subspan(first), stride, target));
    }
    first += layer.op.parameters.size();
    source = target;
  }
  return several ? engine.Apply(model.network, source, out) : OkStatus();
}

}  // namespace augstore
