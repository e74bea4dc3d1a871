#include "schemas/weights/spatial_front.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

using Json = nlohmann::json;

constexpr char kFrontKey[] = "augstore.spatial_front";
constexpr char kMixName[] = "cell_mix";
constexpr char kConvPrefix[] = "conv.";

std::span<const uint8_t> BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

Status CheckFinite(std::string_view what, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return InvalidArgument("{} has {} at element {}: weights are finite", what, values[i], i);
  }
  return OkStatus();
}

Status CheckShapes(const SpatialFront& front) {
  const uint64_t out = uint64_t{front.out_height} * front.out_width;
  if (front.feature_map.cells() == 0 || front.feature_map.cells() > kMaxFeatureMapCells ||
      out == 0 || out > kMaxFeatureMapCells) {
    return InvalidArgument("a feature map of {} made {}x{}: give 1 .. {} cells",
                           front.feature_map.ToString(), front.out_height, front.out_width,
                           kMaxFeatureMapCells);
  }
  if (front.feature_map.channels == 0 || front.feature_map.values() > kMaxDim) {
    return InvalidArgument("a feature map of {}: give 1 .. {} values", front.feature_map.ToString(),
                           kMaxDim);
  }
  if (front.mix.size() != out * front.feature_map.cells()) {
    return InvalidArgument("'{}' has {} elements: give {} x {}", kMixName, front.mix.size(), out,
                           front.feature_map.cells());
  }
  if (front.convs.size() > kMaxConvs) {
    return InvalidArgument("a front of {} convolutions: give at most {}", front.convs.size(),
                           kMaxConvs);
  }
  return CheckFinite(kMixName, front.mix);
}

// Convolution `number` of a front that is valid before it.
Status CheckConv(const SpatialFront& front, uint32_t number) {
  const Conv& conv = front.convs[number - 1];
  const auto refuse = [&](std::string_view what) {
    return InvalidArgument("convolution {} ({} -> {}, kernel {}, stride {}): {}", number, conv.in,
                           conv.out, conv.kernel, conv.stride, what);
  };
  if (conv.source >= number || (conv.add && *conv.add >= number)) {
    return refuse("it reads a tensor that does not exist before it");
  }
  if (conv.kernel % 2 == 0 || conv.kernel > 7 || conv.stride < 1 || conv.stride > 2) {
    return refuse("kernels are 1, 3, 5 or 7, strides 1 or 2");
  }
  if (conv.in == 0 || conv.in > kMaxDim || conv.out == 0 || conv.out > kMaxDim) {
    return refuse(fmt::format("channels are 1 .. {}", kMaxDim));
  }
  if (front.ShapeOf(conv.source).channels != conv.in) {
    return refuse(
        fmt::format("tensor {} has {} channels", conv.source, front.ShapeOf(conv.source).channels));
  }
  if (conv.add && front.ShapeOf(*conv.add) != front.ShapeOf(number)) {
    return refuse(fmt::format("tensor {} of {} cannot be added to {}", *conv.add,
                              front.ShapeOf(*conv.add).ToString(),
                              front.ShapeOf(number).ToString()));
  }
  if (conv.weight.size() != uint64_t{conv.in} * conv.out * conv.kernel * conv.kernel ||
      conv.bias.size() != conv.out) {
    return refuse("its weight or bias has another size");
  }
  AUGSTORE_TRY(CheckFinite(fmt::format("convolution {}", number), conv.weight));
  return CheckFinite(fmt::format("the bias of convolution {}", number), conv.bias);
}

const TensorView* FindTensor(const SafetensorsView& view, const std::string& name) {
  for (const TensorView& tensor : view.tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

Result<const TensorView*> RequireTensor(const SafetensorsView& view, const std::string& name,
                                        size_t dimensions) {
  const TensorView* const tensor = FindTensor(view, name);
  if (tensor == nullptr) {
    return InvalidArgument("metadata '{}' asks for tensor '{}', which is absent", kFrontKey, name);
  }
  if (tensor->dtype != "F32" || tensor->shape.size() != dimensions) {
    return InvalidArgument("tensor '{}' is {} with {} dimensions: give F32 with {}", name,
                           tensor->dtype, tensor->shape.size(), dimensions);
  }
  for (const uint64_t size : tensor->shape) {
    if (size > 0 && size <= kMaxDim) continue;
    return InvalidArgument("tensor '{}' has a dimension of {}: give 1 .. {}", name, size, kMaxDim);
  }
  return tensor;
}

std::vector<float> FloatsOf(const TensorView& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

Result<Conv> ReadConv(const SafetensorsView& view, uint32_t number, const Json& plan) {
  const std::string name = fmt::format("{}{}", kConvPrefix, number);
  AUGSTORE_ASSIGN(const TensorView* weight, RequireTensor(view, name + ".weight", 4));
  AUGSTORE_ASSIGN(const TensorView* bias, RequireTensor(view, name + ".bias", 1));
  if (weight->shape[2] != weight->shape[3]) {
    return InvalidArgument("tensor '{}' has a kernel of {} x {}: give a square one", weight->name,
                           weight->shape[2], weight->shape[3]);
  }
  Conv conv;
  conv.out = static_cast<uint32_t>(weight->shape[0]);
  conv.in = static_cast<uint32_t>(weight->shape[1]);
  conv.kernel = static_cast<uint32_t>(weight->shape[2]);
  conv.source = plan.at("source").get<uint32_t>();
  conv.stride = plan.at("stride").get<uint32_t>();
  if (plan.contains("add")) conv.add = plan.at("add").get<uint32_t>();
  const auto activation = plan.at("activation").get<std::string>();
  if (activation != ActivationName(Activation::kNone) &&
      activation != ActivationName(Activation::kRelu)) {
    return InvalidArgument("convolution {} has the activation '{:.100}': give none or relu", number,
                           activation);
  }
  if (activation == ActivationName(Activation::kRelu)) conv.activation = Activation::kRelu;
  conv.weight = FloatsOf(*weight);
  conv.bias = FloatsOf(*bias);
  return conv;
}

// Throws what the JSON library throws on values of other kinds.
Result<SpatialFront> ReadPlan(const SafetensorsView& view, const Json& plan) {
  SpatialFront front;
  front.feature_map = {plan.at("feature_map").at(0).get<uint32_t>(),
                       plan.at("feature_map").at(1).get<uint32_t>(),
                       plan.at("feature_map").at(2).get<uint32_t>()};
  front.out_height = plan.at("out").at(0).get<uint32_t>();
  front.out_width = plan.at("out").at(1).get<uint32_t>();
  AUGSTORE_ASSIGN(const TensorView* mix, RequireTensor(view, kMixName, 2));
  if (mix->shape[1] != front.feature_map.cells()) {
    return InvalidArgument("tensor '{}' has {} columns: give one for each of the {} cells",
                           kMixName, mix->shape[1], front.feature_map.cells());
  }
  front.mix = FloatsOf(*mix);
  const Json& convs = plan.at("convs");
  for (uint32_t number = 1; number <= convs.size() && number <= kMaxConvs; ++number) {
    AUGSTORE_ASSIGN(Conv conv, ReadConv(view, number, convs.at(number - 1)));
    front.convs.push_back(std::move(conv));
  }
  if (front.convs.size() != convs.size()) {
    return InvalidArgument("a front of {} convolutions: give at most {}", convs.size(), kMaxConvs);
  }
  AUGSTORE_TRY(front.Validate());
  return front;
}

}  // namespace

std::string FeatureMapShape::ToString() const {
  return fmt::format("{}x{}x{}", height, width, channels);
}

uint32_t SpatialFront::features() const {
  if (!convs.empty()) return convs.back().out;
  return out_height * out_width * feature_map.channels;
}

FeatureMapShape SpatialFront::ShapeOf(uint32_t number) const {
  if (number == 0) return {out_height, out_width, feature_map.channels};
  const Conv& conv = convs[number - 1];
  const FeatureMapShape source = ShapeOf(conv.source);
  return {(source.height - 1) / conv.stride + 1, (source.width - 1) / conv.stride + 1, conv.out};
}

uint64_t SpatialFront::MultiplyAdds() const {
  uint64_t total = 0;
  for (const float weight : mix) total += weight != 0 ? feature_map.channels : 0;
  for (size_t i = 0; i < convs.size(); ++i) {
    total += ShapeOf(static_cast<uint32_t>(i) + 1).cells() * convs[i].weight.size();
  }
  return total;
}

Status SpatialFront::Validate() const {
  AUGSTORE_TRY(CheckShapes(*this));
  for (uint32_t number = 1; number <= convs.size(); ++number) {
    AUGSTORE_TRY(CheckConv(*this, number));
  }
  if (features() <= kMaxDim) return OkStatus();
  return InvalidArgument("a front of {} features: give at most {}", features(), kMaxDim);
}

void AppendSpatialFront(const SpatialFront& front, std::vector<TensorView>* tensors,
                        std::map<std::string, std::string>* metadata) {
  const uint64_t out = uint64_t{front.out_height} * front.out_width;
  tensors->push_back({kMixName, "F32", {out, front.feature_map.cells()}, BytesOf(front.mix)});
  Json convs = Json::array();
  for (size_t i = 0; i < front.convs.size(); ++i) {
    const Conv& conv = front.convs[i];
    const std::string name = fmt::format("{}{}", kConvPrefix, i + 1);
    tensors->push_back({name + ".weight",
                        "F32",
                        {conv.out, conv.in, conv.kernel, conv.kernel},
                        BytesOf(conv.weight)});
    tensors->push_back({name + ".bias", "F32", {conv.out}, BytesOf(conv.bias)});
    Json plan = {{"source", conv.source},
                 {"stride", conv.stride},
                 {"activation", ActivationName(conv.activation)}};
    if (conv.add) plan["add"] = *conv.add;
    convs.push_back(std::move(plan));
  }
  const Json plan = {
      {"feature_map",
       {front.feature_map.height, front.feature_map.width, front.feature_map.channels}},
      {"out", {front.out_height, front.out_width}},
      {"convs", std::move(convs)}};
  (*metadata)[kFrontKey] = plan.dump();
}

bool IsSpatialFrontTensor(const std::string& name) {
  return name == kMixName || name.starts_with(kConvPrefix);
}

Result<std::optional<SpatialFront>> ReadSpatialFront(const SafetensorsView& view) {
  const auto text = view.metadata.find(kFrontKey);
  if (text == view.metadata.end()) return std::optional<SpatialFront>();
  try {
    AUGSTORE_ASSIGN(SpatialFront front, ReadPlan(view, Json::parse(text->second)));
    return std::optional(std::move(front));
  } catch (const Json::exception& error) {
    return InvalidArgument("metadata '{}' cannot be read: {:.300}", kFrontKey, error.what());
  }
}

}  // namespace augstore
