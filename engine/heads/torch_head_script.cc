#include "engine/heads/torch_head_script.h"

#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/api/module.h>

#include <exception>
#include <sstream>
#include <utility>

#include "schemas/base/files.h"

namespace augstore {
namespace {

at::Tensor Copy(const std::vector<float>& values, at::IntArrayRef sizes) {
  return at::from_blob(const_cast<float*>(values.data()), sizes, at::kFloat).clone();
}

// The module's forward method in TorchScript.
std::string ForwardSource(const Layers& head) {
  std::string source = "def forward(self, x):\n    y = x\n";
  for (size_t l = 0; l < head.layers.size(); ++l) {
    const LayerShape& shape = head.layers[l].shape;
    source += fmt::format("    y = torch.linear(y, self.weight_{0}, self.bias_{0})\n", l);
    if (shape.residual) source += "    y = y + x\n";
    if (shape.activation == Activation::kRelu) source += "    y = torch.relu(y)\n";
  }
  return source + "    return y\n";
}

std::string ScriptBytes(const Layers& head) {
  torch::jit::Module module("Head");
  for (size_t l = 0; l < head.layers.size(); ++l) {
    const Layer& layer = head.layers[l];
    const int64_t in = layer.shape.in;
    const int64_t out = layer.shape.out;
    module.register_parameter(fmt::format("weight_{}", l), Copy(layer.weight, {out, in}), false);
    module.register_parameter(fmt::format("bias_{}", l), Copy(layer.bias, {out}), false);
  }
  module.define(ForwardSource(head));
  module.eval();
  std::ostringstream bytes;
  module.save(bytes);
  return std::move(bytes).str();
}

}  // namespace

Status SaveTorchScript(const Layers& head, const std::string& path) {
  AUGSTORE_TRY(head.Validate());
  std::string bytes;
  try {
    bytes = ScriptBytes(head);
  } catch (const std::exception& error) {
    return Internal("Torch could not make a TorchScript module of a head with {} layers: {}",
                    head.layers.size(), error.what());
  }
  return WriteFileAtomically(path, bytes);
}

}  // namespace augstore
