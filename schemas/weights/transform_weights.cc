#include "schemas/weights/transform_weights.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr char kBasisPrefix[] = "basis.";
constexpr char kErrorBankName[] = "error_bank";
std::span<const uint8_t> BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

constexpr char kOpsKey[] = "augstore.ops";
constexpr char kSlotsKey[] = "augstore.slots";
constexpr char kNormalisedKey[] = "augstore.normalised";

Status CheckConditional(const TransformWeights& weights) {
  const uint32_t dim = weights.layers.dim_in();
  if (weights.basis.size() > kMaxBasis) {
    return InvalidArgument("a conditional transform has {} maps: give at most {}",
                           weights.basis.size(), kMaxBasis);
  }
  for (const Layer& feature_map : weights.basis) {
    AUGSTORE_TRY(Layers{{feature_map}}.Validate().WithContext("basis"));
    if (feature_map.shape == LayerShape{dim, dim}) continue;
    return InvalidArgument("a map of the basis is {} -> {}: give plain dense maps of {} -> {}",
                           feature_map.shape.in, feature_map.shape.out, dim, dim);
  }
  if (weights.layers.dim_out() != dim) {
    return InvalidArgument("a conditional transform's layers go from {} to {}: make them equal",
                           dim, weights.layers.dim_out());
  }
  if (weights.ops.empty() || weights.slots == 0 || weights.slots > kMaxChainLength) {
    return InvalidArgument(
        "a conditional transform says its ops and its slots (1 .. {}) in the metadata '{}' and "
        "'{}': they are '{:.100}' and {}",
        kMaxChainLength, kOpsKey, kSlotsKey, weights.ops, weights.slots);
  }
  return OkStatus();
}

Status CheckErrorBank(const Matrix& error_bank, uint32_t dim) {
  if (error_bank.rows() == 0) return OkStatus();
  if (error_bank.cols() != dim || error_bank.rows() > kMaxErrorBankRows) {
    return InvalidArgument("tensor '{}' is {} x {}: give at most {} x {}", kErrorBankName,
                           error_bank.rows(), error_bank.cols(), kMaxErrorBankRows, dim);
  }
  for (size_t i = 0; i < error_bank.rows() * error_bank.cols(); ++i) {
    if (std::isfinite(error_bank.data()[i])) continue;
    return InvalidArgument("tensor '{}' has {} at element {}: train again, errors are finite",
                           kErrorBankName, error_bank.data()[i], i);
  }
  return OkStatus();
}

Status CheckInputs(const TransformWeights& weights) {
  const uint64_t dim = weights.dim();
  uint64_t features = 0;
  if (weights.front) {
    AUGSTORE_TRY(weights.front->Validate());
    features = weights.front->features();
    if (weights.conditional()) {
      return InvalidArgument("a transform reads the feature map and is conditional: it can be one");
    }
  }
  if (weights.layers.dim_in() == dim + features) return OkStatus();
  if (features == 0) {
    return InvalidArgument(
        "the layers map {} numbers to {}: a transform returns as many numbers as it takes",
        weights.layers.dim_in(), dim);
  }
  return InvalidArgument("the layers take {} numbers: give them {} of z and {} of the feature map",
                         weights.layers.dim_in(), dim, features);
}

Result<Matrix> ReadErrorBank(const TensorView& tensor) {
  if (tensor.dtype != "F32" || tensor.shape.size() != 2) {
    return InvalidArgument("tensor '{}' is {} with {} dimensions: give F32 [rows, dim]",
                           tensor.name, tensor.dtype, tensor.shape.size());
  }
  Matrix error_bank(tensor.shape[0], tensor.shape[1]);
  if (!tensor.data.empty()) {
    std::memcpy(error_bank.data(), tensor.data.data(), tensor.data.size());
  }
  return error_bank;
}

Result<uint32_t> ReadSlots(const SafetensorsView& view) {
  const auto found = view.metadata.find(kSlotsKey);
  if (found == view.metadata.end()) return 0u;
  const std::string& text = found->second;
  uint32_t slots = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slots);
  if (error == std::errc() && end == text.data() + text.size()) return slots;
  return InvalidArgument("metadata '{}' is '{:.100}': give a number", kSlotsKey, text);
}

Result<bool> ReadNormalised(const SafetensorsView& view) {
  const auto found = view.metadata.find(kNormalisedKey);
  if (found == view.metadata.end()) return false;
  if (found->second == "1") return true;
  return InvalidArgument("metadata '{}' is '{:.100}': give 1, or leave it out", kNormalisedKey,
                         found->second);
}

}  // namespace

uint64_t TransformWeights::Values() const {
  uint64_t values = error_bank.rows() * error_bank.cols();
  const auto add = [&](const auto& parts) {
    for (const auto& part : parts) values += part.weight.size() + part.bias.size();
  };
  add(layers.layers);
  add(basis);
  if (front.has_value()) {
    add(front->convs);
    values += front->mix.size();
  }
  return values;
}

Status TransformWeights::Validate() const {
  AUGSTORE_TRY(layers.Validate());
  AUGSTORE_TRY(CheckErrorBank(error_bank, layers.dim_out()));
  AUGSTORE_TRY(CheckInputs(*this));
  if (conditional()) return CheckConditional(*this);
  if (ops.empty() && slots == 0) return OkStatus();
  return InvalidArgument("metadata '{}' or '{}' comes without a tensor '{}0.weight'", kOpsKey,
                         kSlotsKey, kBasisPrefix);
}

std::string TransformWeights::ToSafetensors() const {
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;
  AppendLayers(layers, &tensors, &metadata);
  if (conditional()) {
    for (size_t i = 0; i < basis.size(); ++i) {
      const Layer& feature_map = basis[i];
      tensors.push_back({fmt::format("{}{}.weight", kBasisPrefix, i),
                         "F32",
                         {feature_map.shape.out, feature_map.shape.in},
                         BytesOf(feature_map.weight)});
      tensors.push_back({fmt::format("{}{}.bias", kBasisPrefix, i),
                         "F32",
                         {feature_map.shape.out},
                         BytesOf(feature_map.bias)});
    }
    metadata[kOpsKey] = ops;
    metadata[kSlotsKey] = std::to_string(slots);
  }
  if (front) AppendSpatialFront(*front, &tensors, &metadata);
  if (normalised) metadata[kNormalisedKey] = "1";
  if (error_bank.rows() > 0) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(error_bank.data());
    tensors.push_back({kErrorBankName,
                       "F32",
                       {error_bank.rows(), error_bank.cols()},
                       {bytes, error_bank.rows() * error_bank.cols() * sizeof(float)}});
  }
  return WriteSafetensors(metadata, tensors);
}

Result<TransformWeights> TransformWeights::FromSafetensors(std::string_view bytes) {
  if (bytes.size() > kMaxWeightsBytes) {
    return InvalidArgument("weights have {} bytes, more than the limit of {}: use smaller layers",
                           bytes.size(), kMaxWeightsBytes);
  }
  AUGSTORE_ASSIGN(SafetensorsView view, ParseSafetensors(bytes));
  TransformWeights weights;
  SafetensorsView stack{view.metadata, {}};
  bool conditional = false;
  for (TensorView& tensor : view.tensors) {
    if (tensor.name == kErrorBankName) {
      AUGSTORE_ASSIGN(weights.error_bank, ReadErrorBank(tensor));
    } else if (tensor.name.starts_with(kBasisPrefix)) {
      conditional = true;
    } else if (!IsSpatialFrontTensor(tensor.name)) {
      stack.tensors.push_back(tensor);
    }
  }
  AUGSTORE_ASSIGN(weights.layers, ReadStack(stack));
  AUGSTORE_ASSIGN(weights.front, ReadSpatialFront(view));
  if (conditional) {
    AUGSTORE_ASSIGN(weights.basis, ReadUnlinkedLayers(view, kBasisPrefix));
  }
  const auto ops = view.metadata.find(kOpsKey);
  if (ops != view.metadata.end()) weights.ops = ops->second;
  AUGSTORE_ASSIGN(weights.slots, ReadSlots(view));
  AUGSTORE_ASSIGN(weights.normalised, ReadNormalised(view));
  AUGSTORE_TRY(weights.Validate());
  return weights;
}

}  // namespace augstore
