#include "engine/backbone/torch_module.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>

namespace augstore {
namespace {

// As floats. Torch would drop the imaginary part of complex numbers with a warning alone.
at::Tensor Floats(const at::Tensor& tensor, const char* what) {
  if (tensor.is_complex()) {
    throw std::runtime_error(fmt::format("{} is complex: return real numbers", what));
  }
  return tensor.to(at::kCPU, at::kFloat);
}

// The second element of what the module returns, when it is a feature map: one of four dimensions
// for each image.
at::Tensor MapOf(const c10::IValue& value, int64_t count) {
  if (!value.isTuple() || value.toTupleRef().elements().size() < 2) return {};
  const c10::IValue& second = value.toTupleRef().elements()[1];
  if (!second.isTensor()) return {};
  const at::Tensor feature_map = second.toTensor();
  if (feature_map.dim() != 4 || feature_map.size(0) != count || feature_map.numel() == 0) return {};
  return Floats(feature_map, "its feature map").permute({0, 2, 3, 1}).contiguous();
}

bool Close(const at::Tensor& values, const at::Tensor& expected) {
  constexpr double kTolerance = 1e-4;  // of the largest value
  const double error = (values - expected).abs().max().item<double>();
  return error <= kTolerance * expected.abs().max().item<double>();
}

}  // namespace

std::string TorchReason(const std::exception& error) {
  std::string text = error.what();
  const size_t runtime_error = text.rfind("RuntimeError: ");
  if (runtime_error != std::string::npos) text.erase(0, runtime_error);
  text.resize(std::min(text.find('\n'), text.size()));
  constexpr size_t kMaxReason = 400;
  if (text.size() > kMaxReason) text = text.substr(0, kMaxReason) + "...";
  return text;
}

Result<torch::jit::Module> LoadModule(const std::string& path, std::string* metadata) {
  try {
    torch::jit::ExtraFilesMap extra = {{"augstore.json", ""}};
    torch::jit::Module module = torch::jit::load(path, at::kCPU, extra);
    module.eval();
    // Before freezing: it removes methods of submodules, which a graph that is not inlined calls.
    if (module.find_method("forward")) {
      const torch::jit::GraphOptimizerEnabledGuard to_the_bottom{true};  // else one level alone
      torch::jit::Inline(*module.get_method("forward").graph());
    }
    if (metadata != nullptr) *metadata = extra["augstore.json"];
    return module;
  } catch (const std::exception& error) {
    return InvalidArgument("it is not a TorchScript file ({}); save it with torch.jit.save",
                           TorchReason(error));
  }
}

BackboneOutput Forward(torch::jit::Module& module, const at::Tensor& batch) {
  const c10::IValue value = module.forward({batch});
  c10::IValue first = value;
  if (value.isTuple() && !value.toTupleRef().elements().empty()) {
    first = value.toTupleRef().elements()[0];
  }
  if (!first.isTensor()) {
    throw std::runtime_error("it returns a " + first.tagKind() + ", not a tensor");
  }
  const at::Tensor z = first.toTensor();
  if (z.dim() != 2 || z.size(0) != batch.size(0) || z.size(1) < 1) {
    throw std::runtime_error(fmt::format("it maps {} images to a tensor of shape [{}], not n x d",
                                         batch.size(0), fmt::join(z.sizes(), ", ")));
  }
  return {Floats(z, "its embedding").contiguous(), MapOf(value, batch.size(0))};
}

at::Tensor EmptyBatch(const BatchShape& shape) {
  const auto format =
      shape.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return at::empty({shape.count, 3, shape.height, shape.width}, at::kFloat, format).zero_();
}

at::Tensor PatternBatch(const BatchShape& shape) {
  at::Tensor batch = EmptyBatch({shape.count, shape.height, shape.width, true});
  auto* const values = static_cast<float*>(batch.data_ptr());
  uint32_t state = 1;
  for (int64_t i = 0; i < batch.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>(state >> 8) / static_cast<float>(1u << 24);
  }
  return shape.channels_last ? batch : batch.contiguous();
}

Result<torch::jit::Module> LoadForm(const std::string& path, BackboneForm form) {
  AUGSTORE_ASSIGN(torch::jit::Module module, LoadModule(path, nullptr));
  if (form == BackboneForm::kOptimised) return torch::jit::optimize_for_inference(module);
  // A file may hold a network that was frozen before it was saved.
  return module.hasattr("training") ? torch::jit::freeze(module) : module;
}

bool CloseTo(const BackboneOutput& output, const BackboneOutput& expected) {
  return Close(output.z, expected.z) &&
         (!expected.feature_map.defined() || Close(output.feature_map, expected.feature_map));
}

}  // namespace augstore
