// Layers: the weights of a transform or a head as data. Never code.
//
// A layer computes y = activation(W x + b [+ x0]) where x is its input, x0 the input of the whole
// stack. The paper's Ω is two layers (d -> 2d with ReLU, 2d -> d without); its residual form sets
// `residual` on the last; an affine map is one layer.
//
// A diagonal layer multiplies element by element: y = activation(w * x + b [+ x0]), in = out.
//
// As safetensors (the only file format for weights): tensors "<i>.weight" (F32, [out, in],
// row-major; [out] of a diagonal layer) and "<i>.bias" (F32, [out], optional: zeros) with ascending
// integers i, so that
// torch.nn.Sequential's state_dict loads as it is. Metadata key "augstore.layers", when present,
// holds one "activation[+residual]" per layer, separated by commas
// ("relu,none+residual"); without it every layer but the last has ReLU and none is residual.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_LAYERS_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_LAYERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/safetensors.h"

namespace augstore {

// Stored and sent: never change a number.
enum class Activation : uint8_t { kNone = 0, kRelu = 1 };

std::string_view ActivationName(Activation activation);  // "none", "relu"

enum class LayerKind : uint8_t { kDense = 0, kDiagonal = 1 };

struct LayerShape {
  uint32_t in = 0;
  uint32_t out = 0;
  Activation activation = Activation::kNone;
  bool residual = false;  // adds the stack's input before the activation
  LayerKind kind = LayerKind::kDense;
  bool operator==(const LayerShape&) const = default;
  // Elements of the weight, which are the multiply-adds of one row.
  uint64_t weights() const { return kind == LayerKind::kDense ? uint64_t{in} * out : out; }
};

struct Layer {
  LayerShape shape;
  std::vector<float> weight;  // out x in, row-major; out of a diagonal layer
  std::vector<float> bias;    // out
  bool operator==(const Layer&) const = default;
};

struct Layers {
  std::vector<Layer> layers;
  bool operator==(const Layers&) const = default;

  uint32_t dim_in() const { return layers.empty() ? 0 : layers.front().shape.in; }
  uint32_t dim_out() const { return layers.empty() ? 0 : layers.back().shape.out; }
  std::vector<LayerShape> shapes() const;
  // Multiply-adds for one row.
  uint64_t MultiplyAdds() const;

  // Checks that there are 1 .. kMaxLayers layers, dims chain and are within kMaxDim, buffers have
  // their sizes, a residual layer's out equals dim_in(), and every weight is finite. Errors:
  // kInvalidArgument, naming layer and value.
  Status Validate() const;

  // Bytes of a safetensors file, canonical: equal layers have equal bytes.
  std::string ToSafetensors() const;
  // Parses and validates. Errors: kInvalidArgument (hostile or damaged bytes, a tensor of another
  // kind, with its name).
  static Result<Layers> FromSafetensors(std::string_view bytes);
};

// For files that hold more than one stack. AppendLayers adds the tensors and the metadata of a
// stack; they point into `layers`. ReadStack reads one from tensors that are all its own.
// ReadUnlinkedLayers takes the tensors "<prefix><i>.weight" and ".bias" as layers without
// activation that need not fit together. Errors: those of FromSafetensors.
void AppendLayers(const Layers& layers, std::vector<TensorView>* tensors,
                  std::map<std::string, std::string>* metadata);
Result<Layers> ReadStack(const SafetensorsView& view);
Result<std::vector<Layer>> ReadUnlinkedLayers(const SafetensorsView& view,
                                              const std::string& prefix);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_LAYERS_H_
