#include "tools/bench/torch_baselines.h"

#include <ATen/Parallel.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/script.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

namespace augstore {
namespace {

at::Tensor Copy(const float* values, at::IntArrayRef sizes) {
  return at::from_blob(const_cast<float*>(values), sizes, at::kFloat).clone();
}

int DefaultThreads() {
  static const int threads = at::get_num_threads();
  return threads;
}

// Runs a function of tensors on one tensor after another.
class Baseline : public TorchBaseline {
 public:
  using Forward = std::function<at::Tensor(const at::Tensor&)>;
  Baseline(Forward forward, std::vector<at::Tensor> inputs)
      : forward_(std::move(forward)), inputs_(std::move(inputs)), outputs_(inputs_.size()) {
    DefaultThreads();  // before any Run sets another number
  }

  Status Run(int threads) override {
    try {
      const c10::InferenceMode inference;
      at::set_num_threads(threads == 0 ? DefaultThreads() : threads);
      for (size_t i = 0; i < inputs_.size(); ++i) outputs_[i] = forward_(inputs_[i]);
    } catch (const std::exception& error) {
      return Internal("Torch failed: {}", error.what());
    }
    return OkStatus();
  }

  Matrix Output() const override {
    const at::Tensor all = at::cat(outputs_).contiguous();
    Matrix out(static_cast<size_t>(all.size(0)), static_cast<size_t>(all.size(1)));
    std::memcpy(out.data(), all.data_ptr<float>(), all.nbytes());
    return out;
  }

 private:
  Forward forward_;
  std::vector<at::Tensor> inputs_;
  std::vector<at::Tensor> outputs_;
};

at::Tensor RowsTensor(ConstMatrixView in) {
  return Copy(in.data, {static_cast<int64_t>(in.rows), static_cast<int64_t>(in.cols)});
}

Status CheckPlain(const Layers& layers) {
  for (const Layer& layer : layers.layers) {
    if (layer.shape.kind == LayerKind::kDense && !layer.shape.residual) continue;
    return InvalidArgument("a plain Sequential has no residual and no diagonal layers");
  }
  return layers.Validate();
}

torch::nn::Sequential MakeSequential(const Layers& layers) {
  const torch::NoGradGuard no_grad;
  torch::nn::Sequential sequential;
  for (const Layer& layer : layers.layers) {
    const int64_t in = layer.shape.in;
    const int64_t out = layer.shape.out;
    torch::nn::Linear linear(in, out);
    linear->weight.copy_(Copy(layer.weight.data(), {out, in}));
    linear->bias.copy_(Copy(layer.bias.data(), {out}));
    sequential->push_back(linear);
    if (layer.shape.activation == Activation::kRelu) sequential->push_back(torch::nn::ReLU());
  }
  sequential->eval();
  return sequential;
}

torch::jit::Module MakeFrozen(const Layers& layers) {
  torch::jit::Module module("Frozen");
  module.register_attribute("training", c10::BoolType::get(), false);
  std::string source = "def forward(self, x):\n";
  for (size_t l = 0; l < layers.layers.size(); ++l) {
    const Layer& layer = layers.layers[l];
    const int64_t in = layer.shape.in;
    const int64_t out = layer.shape.out;
    module.register_parameter(fmt::format("w{}", l), Copy(layer.weight.data(), {out, in}), false);
    module.register_parameter(fmt::format("b{}", l), Copy(layer.bias.data(), {out}), false);
    source += fmt::format("    x = torch.linear(x, self.w{0}, self.b{0})\n", l);
    if (layer.shape.activation == Activation::kRelu) source += "    x = torch.relu(x)\n";
  }
  module.define(source + "    return x\n");
  module.eval();
  return torch::jit::freeze(module);
}

Baseline::Forward ForwardOf(torch::jit::Module module) {
  return [module](const at::Tensor& in) mutable {
    const c10::IValue out = module.forward({in});
    return out.isTuple() ? out.toTupleRef().elements().at(0).toTensor() : out.toTensor();
  };
}

Baseline::Forward ForwardOf(torch::nn::Sequential sequential) {
  return [sequential](const at::Tensor& in) mutable { return sequential->forward(in); };
}

at::Tensor ImagesTensor(std::span<const Image> images) {
  const int64_t height = images[0].height;
  const int64_t width = images[0].width;
  at::Tensor tensor =
      at::empty({static_cast<int64_t>(images.size()), 3, height, width}, at::kFloat);
  auto* value = tensor.data_ptr<float>();
  for (const Image& image : images) {
    const size_t pixels = image.rgb.size() / 3;
    for (size_t c = 0; c < 3; ++c) {
      for (size_t i = 0; i < pixels; ++i) *value++ = static_cast<float>(image.rgb[3 * i + c]) / 255;
    }
  }
  return tensor;
}

}  // namespace

Result<std::unique_ptr<TorchBaseline>> TorchNetwork(const Layers& layers, ConstMatrixView in,
                                                    bool frozen) {
  AUGSTORE_TRY(CheckPlain(layers));
  try {
    std::vector<at::Tensor> inputs = {RowsTensor(in)};
    return std::unique_ptr<TorchBaseline>(std::make_unique<Baseline>(
        frozen ? ForwardOf(MakeFrozen(layers)) : ForwardOf(MakeSequential(layers)),
        std::move(inputs)));
  } catch (const std::exception& error) {
    return Internal("Torch could not make a {}: {}", frozen ? "frozen module" : "Sequential",
                    error.what());
  }
}

Result<std::unique_ptr<TorchBaseline>> TorchPlainBackbone(const std::string& path,
                                                          std::span<const Image> images,
                                                          uint32_t batch) {
  if (images.empty() || batch == 0) {
    return InvalidArgument("{} images in batches of {} cannot be embedded", images.size(), batch);
  }
  try {
    torch::jit::Module module = torch::jit::load(path, at::kCPU);
    module.eval();
    std::vector<at::Tensor> inputs;
    for (size_t begin = 0; begin < images.size(); begin += batch) {
      const size_t count = std::min<size_t>(batch, images.size() - begin);
      inputs.push_back(ImagesTensor(images.subspan(begin, count)));
    }
    return std::unique_ptr<TorchBaseline>(
        std::make_unique<Baseline>(ForwardOf(std::move(module)), std::move(inputs)));
  } catch (const std::exception& error) {
    return InvalidArgument("backbone '{}' cannot be run by Torch alone: {}", path, error.what());
  }
}

}  // namespace augstore
