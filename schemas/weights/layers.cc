#include "schemas/weights/layers.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

static_assert(std::endian::native == std::endian::little,
              "weights are stored as they lie in memory");

constexpr char kMetadataKey[] = "augstore.layers";
constexpr std::string_view kResidual = "+residual";

struct LayerTensors {
  const TensorView* weight = nullptr;
  const TensorView* bias = nullptr;
};

Status CheckFinite(size_t layer, std::string_view what, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return InvalidArgument(
          "layer {} has the {} {} at element {}: train again, weights are finite", layer, what,
          values[i], i);
    }
  }
  return OkStatus();
}

Status CheckLayer(size_t index, const Layer& layer, uint32_t dim_before, uint32_t dim_in) {
  const LayerShape& shape = layer.shape;
  if (shape.in == 0 || shape.in > kMaxDim || shape.out == 0 || shape.out > kMaxDim) {
    return InvalidArgument("layer {} is {} -> {}: dimensions are 1 .. {}", index, shape.in,
                           shape.out, kMaxDim);
  }
  if (shape.in != dim_before) {
    return InvalidArgument(
        "layer {} takes {} values, but the layer before it returns {}: make them equal", index,
        shape.in, dim_before);
  }
  if (shape.activation != Activation::kNone && shape.activation != Activation::kRelu) {
    return InvalidArgument("layer {} has the unknown activation {}: give none or relu", index,
                           static_cast<int>(shape.activation));
  }
  if (shape.residual && shape.out != dim_in) {
    return InvalidArgument(
        "layer {} is residual and returns {} values, but the stack takes {}: make "
        "them equal",
        index, shape.out, dim_in);
  }
  if (shape.kind != LayerKind::kDense && shape.kind != LayerKind::kDiagonal) {
    return InvalidArgument("layer {} is of the unknown kind {}: give dense or diagonal", index,
                           static_cast<int>(shape.kind));
  }
  if (shape.kind == LayerKind::kDiagonal && shape.in != shape.out) {
    return InvalidArgument("layer {} is diagonal and {} -> {}: make them equal", index, shape.in,
                           shape.out);
  }
  const uint64_t weights = shape.weights();
  if (layer.weight.size() != weights || layer.bias.size() != shape.out) {
    return InvalidArgument("layer {} ({} -> {}) has {} weights and {} biases: give {} and {}",
                           index, shape.in, shape.out, layer.weight.size(), layer.bias.size(),
                           weights, shape.out);
  }
  AUGSTORE_TRY(CheckFinite(index, "weight", layer.weight));
  return CheckFinite(index, "bias", layer.bias);
}

std::span<const uint8_t> BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> FloatsOf(const TensorView& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

// "<i>.weight" or "<i>.bias"; nothing for any other name. Leading zeros would give one layer two
// names.
std::optional<std::pair<uint32_t, bool>> SplitName(std::string_view name) {
  uint32_t index = 0;
  const char* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data(), last, index);
  if (error != std::errc() || (name[0] == '0' && end != name.data() + 1)) return std::nullopt;
  const std::string_view rest(end, static_cast<size_t>(last - end));
  if (rest != ".weight" && rest != ".bias") return std::nullopt;
  return std::pair(index, rest == ".weight");
}

Result<std::map<uint32_t, LayerTensors>> GroupTensors(const std::vector<TensorView>& tensors,
                                                      std::string_view prefix, uint32_t most) {
  std::map<uint32_t, LayerTensors> groups;
  for (const TensorView& tensor : tensors) {
    if (!tensor.name.starts_with(prefix)) continue;
    const auto name = SplitName(std::string_view(tensor.name).substr(prefix.size()));
    if (!name) {
      return InvalidArgument("tensor '{}' is no layer's: name tensors '<i>.weight' and '<i>.bias'",
                             tensor.name);
    }
    if (tensor.dtype != "F32") {
      return InvalidArgument("tensor '{}' has dtype {}: convert it to F32", tensor.name,
                             tensor.dtype);
    }
    LayerTensors& group = groups[name->first];
    (name->second ? group.weight : group.bias) = &tensor;
  }
  if (groups.empty() || groups.size() > most) {
    return InvalidArgument("weights have {} layers: give 1 .. {}", groups.size(), most);
  }
  return groups;
}

Result<Layer> ReadLayer(uint32_t number, const LayerTensors& tensors) {
  if (tensors.weight == nullptr) {
    return InvalidArgument("tensor '{}.bias' comes without '{}.weight': give both", number, number);
  }
  const TensorView& weight = *tensors.weight;
  if (weight.shape.empty() || weight.shape.size() > 2) {
    return InvalidArgument(
        "tensor '{}' has {} dimensions: give [out, in], or [out] of a diagonal layer", weight.name,
        weight.shape.size());
  }
  const uint64_t out = weight.shape[0];
  const uint64_t in = weight.shape.back();
  if (out == 0 || out > kMaxDim || in == 0 || in > kMaxDim) {
    return InvalidArgument("tensor '{}' has the shape [{}, {}]: dimensions are 1 .. {}",
                           weight.name, out, in, kMaxDim);
  }
  Layer layer;
  layer.shape.in = static_cast<uint32_t>(in);
  layer.shape.out = static_cast<uint32_t>(out);
  if (weight.shape.size() == 1) layer.shape.kind = LayerKind::kDiagonal;
  layer.weight = FloatsOf(weight);
  if (tensors.bias == nullptr) {
    layer.bias.assign(out, 0.0F);
    return layer;
  }
  if (tensors.bias->shape != std::vector<uint64_t>{out}) {
    return InvalidArgument("tensor '{}' does not have the shape [{}] that '{}' asks for",
                           tensors.bias->name, out, weight.name);
  }
  layer.bias = FloatsOf(*tensors.bias);
  return layer;
}

Status ReadForm(std::string_view text, LayerShape* shape) {
  std::string_view name = text;
  if (name.ends_with(kResidual)) {
    shape->residual = true;
    name.remove_suffix(kResidual.size());
  }
  for (Activation activation : {Activation::kNone, Activation::kRelu}) {
    if (name != ActivationName(activation)) continue;
    shape->activation = activation;
    return OkStatus();
  }
  return InvalidArgument(
      "metadata '{}' names the unknown layer '{:.100}': write none or relu, and "
      "+residual after it",
      kMetadataKey, text);
}

Status ReadForms(std::string_view text, std::vector<Layer>* layers) {
  size_t count = 0;
  for (bool more = true; more; ++count) {
    const size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    if (count < layers->size()) {
      AUGSTORE_TRY(ReadForm(text.substr(0, comma), &(*layers)[count].shape));
    }
    if (more) text.remove_prefix(comma + 1);
  }
  if (count == layers->size()) return OkStatus();
  return InvalidArgument("metadata '{}' names {} layers, but there are {}: name each once",
                         kMetadataKey, count, layers->size());
}

}  // namespace

std::string_view ActivationName(Activation activation) {
  return activation == Activation::kRelu ? "relu" : "none";
}

std::vector<LayerShape> Layers::shapes() const {
  std::vector<LayerShape> result;
  for (const Layer& layer : layers) result.push_back(layer.shape);
  return result;
}

uint64_t Layers::MultiplyAdds() const {
  uint64_t total = 0;
  for (const Layer& layer : layers) total += layer.shape.weights();
  return total;
}

Status Layers::Validate() const {
  if (layers.empty() || layers.size() > kMaxLayers) {
    return InvalidArgument("weights have {} layers: give 1 .. {}", layers.size(), kMaxLayers);
  }
  uint32_t dim = dim_in();
  uint64_t bytes = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    AUGSTORE_TRY(CheckLayer(i, layers[i], dim, dim_in()));
    dim = layers[i].shape.out;
    bytes += BytesOf(layers[i].weight).size() + BytesOf(layers[i].bias).size();
  }
  if (bytes <= kMaxWeightsBytes) return OkStatus();
  return InvalidArgument("weights have {} bytes, more than the limit of {}: use smaller layers",
                         bytes, kMaxWeightsBytes);
}

void AppendLayers(const Layers& layers, std::vector<TensorView>* tensors,
                  std::map<std::string, std::string>* metadata) {
  std::string forms;
  for (size_t i = 0; i < layers.layers.size(); ++i) {
    const Layer& layer = layers.layers[i];
    std::vector<uint64_t> shape = {layer.shape.out, layer.shape.in};
    if (layer.shape.kind == LayerKind::kDiagonal) shape.pop_back();
    tensors->push_back(
        {fmt::format("{}.weight", i), "F32", std::move(shape), BytesOf(layer.weight)});
    tensors->push_back({fmt::format("{}.bias", i), "F32", {layer.shape.out}, BytesOf(layer.bias)});
    if (i > 0) forms += ',';
    forms += ActivationName(layer.shape.activation);
    if (layer.shape.residual) forms += kResidual;
  }
  (*metadata)[kMetadataKey] = forms;
}

Result<Layers> ReadStack(const SafetensorsView& view) {
  AUGSTORE_ASSIGN(const auto groups, GroupTensors(view.tensors, "", kMaxLayers));
  Layers result;
  for (const auto& [number, tensors] : groups) {
    AUGSTORE_ASSIGN(Layer layer, ReadLayer(number, tensors));
    if (result.layers.size() + 1 < groups.size()) layer.shape.activation = Activation::kRelu;
    result.layers.push_back(std::move(layer));
  }
  const auto forms = view.metadata.find(kMetadataKey);
  if (forms != view.metadata.end()) AUGSTORE_TRY(ReadForms(forms->second, &result.layers));
  AUGSTORE_TRY(result.Validate());
  return result;
}

Result<std::vector<Layer>> ReadUnlinkedLayers(const SafetensorsView& view,
                                              const std::string& prefix) {
  AUGSTORE_ASSIGN(const auto groups, GroupTensors(view.tensors, prefix, kMaxBasis));
  std::vector<Layer> layers;
  for (const auto& [number, tensors] : groups) {
    AUGSTORE_ASSIGN(Layer layer, ReadLayer(number, tensors));
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::string Layers::ToSafetensors() const {
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;
  AppendLayers(*this, &tensors, &metadata);
  return WriteSafetensors(metadata, tensors);
}

Result<Layers> Layers::FromSafetensors(std::string_view bytes) {
  if (bytes.size() > kMaxWeightsBytes) {
    return InvalidArgument("weights have {} bytes, more than the limit of {}: use smaller layers",
                           bytes.size(), kMaxWeightsBytes);
  }
  AUGSTORE_ASSIGN(const SafetensorsView view, ParseSafetensors(bytes));
  return ReadStack(view);
}

}  // namespace augstore
