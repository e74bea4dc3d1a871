// Without NDEBUG at::RecordFunction has one member more, and the installed Torch was built with it.
#ifndef NDEBUG
#define NDEBUG
#endif

#include "engine/backbone/torch_multiply_adds.h"

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

namespace augstore {
namespace {

// Torch takes callbacks as plain functions, so these cannot be captured.
thread_local uint64_t multiply_adds = 0;
thread_local int depth =
    0;  // of operators that are counted: some call each other, and only the outermost counts

using Values = std::span<const c10::IValue>;

const at::Tensor* TensorAt(Values values, size_t i) {
  if (i >= values.size() || !values[i].isTensor()) return nullptr;
  const at::Tensor& tensor = values[i].toTensor();
  return tensor.defined() ? &tensor : nullptr;
}

// TorchScript's interpreter hands over its whole stack; the operator's own values are the last.
Values Last(Values stack, size_t count) { return stack.last(std::min(count, stack.size())); }

// What an operator costs, as far as its inputs say.
struct Cost : at::ObserverContext {
  uint64_t fixed = 0;
  uint64_t per_output = 0;  // for each value of the output
};

std::unique_ptr<at::ObserverContext> ConvolutionCost(Values inputs) {
  auto cost = std::make_unique<Cost>();
  const at::Tensor* const input = TensorAt(inputs, 0);
  const at::Tensor* const weight = TensorAt(inputs, 1);
  if (input != nullptr && weight != nullptr && weight->numel() > 0) {
    const auto per_filter = static_cast<uint64_t>(weight->numel() / weight->size(0));
    const bool transposed = inputs.size() > 6 && inputs[6].isBool() && inputs[6].toBool();
    if (transposed) {
      cost->fixed = static_cast<uint64_t>(input->numel()) * per_filter;
    } else {
      cost->per_output = per_filter;
    }
  }
  return cost;
}

std::unique_ptr<at::ObserverContext> ProductCost(const at::Tensor* left) {
  auto cost = std::make_unique<Cost>();
  if (left != nullptr && left->dim() > 0) cost->per_output = static_cast<uint64_t>(left->size(-1));
  return cost;
}

// Null: not counted. aten::conv2d, aten::linear and their like end in one of these.
std::unique_ptr<at::ObserverContext> CostOf(const at::RecordFunction& function) {
  const std::string_view name = function.name();
  const auto inputs = Last(function.inputs(), function.num_inputs());
  if (name == "aten::_convolution") return ConvolutionCost(inputs);
  if (name == "aten::addmm" || name == "aten::baddbmm" || name == "aten::addmv") {
    return ProductCost(TensorAt(inputs, 1));
  }
  if (name == "aten::mm" || name == "aten::bmm" || name == "aten::mv") {
    return ProductCost(TensorAt(inputs, 0));
  }
  return nullptr;
}

std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& function) {
  auto cost = CostOf(function);
  if (cost != nullptr) ++depth;
  return cost;
}

void OnEnd(const at::RecordFunction& function, at::ObserverContext* context) {
  if (context == nullptr || --depth > 0) return;
  const auto* const cost = static_cast<const Cost*>(context);
  multiply_adds += cost->fixed;
  const at::Tensor* const output = TensorAt(Last(function.outputs(), function.num_outputs()), 0);
  if (output != nullptr) multiply_adds += cost->per_output * static_cast<uint64_t>(output->numel());
}

struct Observer {
  Observer()
      : handle(at::addThreadLocalCallback(at::RecordFunctionCallback(OnStart, OnEnd)
                                              .needsInputs(true)
                                              .needsOutputs(true)
                                              .scopes({at::RecordScope::FUNCTION}))) {}
  ~Observer() { at::removeCallback(handle); }
  const at::CallbackHandle handle;
};

}  // namespace

uint64_t CountMultiplyAdds(const std::function<void()>& run) {
  multiply_adds = 0;
  depth = 0;
  const Observer observer;
  run();
  return multiply_adds;
}

}  // namespace augstore
