#include "engine/backbone/torch_last_blocks.h"

#include <torch/csrc/jit/ir/ir.h>

#include <filesystem>
#include <map>
#include <stdexcept>

#include "engine/backbone/torch_module.h"

namespace augstore {
namespace {

using torch::jit::Node;
using torch::jit::Value;

[[noreturn]] void Refuse(const std::string& what) { throw std::runtime_error(what); }

c10::IValue ConstantOf(const Value* value, const char* what) {
  auto constant = torch::jit::toIValue(value);
  if (!constant) Refuse(fmt::format("{} is not a constant", what));
  return *constant;
}

// Walks the graph of a frozen TorchScript module.
class GraphReader {
 public:
  explicit GraphReader(const torch::jit::Graph& graph) : graph_(graph) {}

  // Throws std::runtime_error at the first node that it does not know.
  std::vector<Conv> Read() {
    if (graph_.inputs().size() != 2 || graph_.outputs().size() != 1) {
      Refuse("it does not take one tensor and return one");
    }
    tensors_[graph_.inputs()[1]] = 0;
    for (const Node* node : graph_.nodes()) ReadNode(*node);
    if (mean_ == nullptr || graph_.outputs()[0] != mean_) {
      Refuse("it does not end in the mean over height and width");
    }
    return std::move(convs_);
  }

 private:
  void ReadNode(const Node& node) {
    const std::string kind = node.kind().toQualString();
    if (kind == "prim::Constant") return;
    if (mean_ != nullptr) Refuse(fmt::format("{} comes after the mean over space", kind));
    if (kind == "aten::_convolution" || kind == "aten::conv2d") return ReadConv(node, kind);
    if (kind == "aten::relu" || kind == "aten::relu_") return ReadRelu(node);
    if (kind == "aten::add" || kind == "aten::add_") return ReadAdd(node);
    if (kind == "aten::mean") return ReadMean(node);
    Refuse(fmt::format("{} is none of convolution, relu, add and mean", kind));
  }

  // The number of the tensor that `value` is.
  uint32_t TensorOf(const Value* value) const {
    const auto found = tensors_.find(value);
    if (found == tensors_.end()) Refuse(value->debugName() + " is not made from the feature map");
    return found->second;
  }

  // The convolution whose output `value` is, when nothing else reads that output; else null.
  Conv* OwnConv(const Value* value) {
    const uint32_t number = TensorOf(value);
    return number > 0 && value->uses().size() == 1 ? &convs_[number - 1] : nullptr;
  }

  void ReadConv(const Node& node, const std::string& kind) {
    const at::Tensor weight = ConstantOf(node.input(1), "a weight").toTensor().contiguous();
    const c10::IValue bias = ConstantOf(node.input(2), "a bias");
    const auto stride = ConstantOf(node.input(3), "a stride").toIntVector();
    const auto padding = ConstantOf(node.input(4), "a padding").toIntVector();
    const auto dilation = ConstantOf(node.input(5), "a dilation").toIntVector();
    const bool general = kind == "aten::_convolution";
    const bool transposed = general && ConstantOf(node.input(6), "transposed").toBool();
    const int64_t groups = ConstantOf(node.input(general ? 8 : 6), "the groups").toInt();
    const int64_t kernel = weight.dim() == 4 ? weight.size(2) : 0;
    const std::vector<int64_t> half(2, kernel / 2);
    if (kernel == 0 || weight.size(3) != kernel || weight.scalar_type() != at::kFloat ||
        padding != half || stride.size() != 2 || stride[0] != stride[1] || transposed ||
        groups != 1 || dilation != std::vector<int64_t>(2, 1)) {
      Refuse(
          fmt::format("convolution {} is not square in float32 with padding kernel / 2, without "
                      "groups and dilation",
                      convs_.size() + 1));
    }
    Conv conv;
    conv.out = static_cast<uint32_t>(weight.size(0));
    conv.in = static_cast<uint32_t>(weight.size(1));
    conv.kernel = static_cast<uint32_t>(kernel);
    conv.stride = static_cast<uint32_t>(stride[0]);
    conv.source = TensorOf(node.input(0));
    const auto* const values = static_cast<const float*>(weight.data_ptr());
    conv.weight.assign(values, values + weight.numel());
    conv.bias.assign(conv.out, 0.0F);
    if (!bias.isNone()) {
      const at::Tensor given = bias.toTensor().to(at::kFloat).contiguous();
      const auto* const numbers = static_cast<const float*>(given.data_ptr());
      conv.bias.assign(numbers, numbers + given.numel());
    }
    convs_.push_back(std::move(conv));
    tensors_[node.output()] = static_cast<uint32_t>(convs_.size());
  }

  void ReadRelu(const Node& node) {
    Conv* const conv = OwnConv(node.input(0));
    if (conv == nullptr || conv->activation != Activation::kNone) {
      Refuse("a relu is not that of one convolution or sum");
    }
    conv->activation = Activation::kRelu;
    tensors_[node.output()] = TensorOf(node.input(0));
  }

  // The sum belongs to the later of the two: the other exists by then.
  void ReadAdd(const Node& node) {
    if (node.inputs().size() > 2 &&
        ConstantOf(node.input(2), "a factor").toScalar().toDouble() != 1) {
      Refuse("a sum has a factor");
    }
    const bool swap = TensorOf(node.input(0)) < TensorOf(node.input(1));
    const Value* const later = node.input(swap ? 1 : 0);
    const Value* const earlier = node.input(swap ? 0 : 1);
    Conv* const conv = OwnConv(later);
    if (conv == nullptr || conv->add || conv->activation != Activation::kNone) {
      Refuse("a sum is not that of one convolution and one other tensor");
    }
    conv->add = TensorOf(earlier);
    tensors_[node.output()] = TensorOf(later);
  }

  void ReadMean(const Node& node) {
    const auto over = ConstantOf(node.input(1), "the dimensions of a mean").toIntVector();
    const bool space = over == std::vector<int64_t>{2, 3} || over == std::vector<int64_t>{-2, -1};
    if (!space || ConstantOf(node.input(2), "keepdim").toBool() ||
        TensorOf(node.input(0)) != convs_.size()) {
      Refuse("the mean is not that over height and width of the last convolution");
    }
    mean_ = node.output();
  }

  const torch::jit::Graph& graph_;
  std::map<const Value*, uint32_t> tensors_;
  std::vector<Conv> convs_;
  const Value* mean_ = nullptr;
};

}  // namespace

Result<std::vector<Conv>> ReadLastBlocks(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    return NotFound(
        "last blocks '{}': no such file: name the TorchScript file of a backbone's last blocks",
        path);
  }
  Result<torch::jit::Module> module = LoadModule(path, nullptr);
  if (!module.ok()) return module.status().WithContext(fmt::format("last blocks '{}'", path));
  try {
    const torch::jit::Module frozen =
        module->hasattr("training") ? torch::jit::freeze(*module) : *module;
    return GraphReader(*frozen.get_method("forward").graph()).Read();
  } catch (const std::exception& error) {
    return InvalidArgument(
        "last blocks '{}' are not a chain of convolutions that can be kept as data: {}; give the "
        "last blocks of the backbone, from the feature map to the embedding",
        path, TorchReason(error));
  }
}

}  // namespace augstore
