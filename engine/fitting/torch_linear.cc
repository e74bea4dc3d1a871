#include "engine/fitting/torch_linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/math/onednn_gemm.h"

namespace augstore {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

void CheckShapes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  for (const at::Tensor* tensor : {&x, &weight, &bias}) {
    TORCH_CHECK(tensor->scalar_type() == at::kFloat && tensor->device().is_cpu(),
                "a linear layer takes float32 tensors on the CPU");
  }
  TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && bias.dim() == 1 && x.size(1) == weight.size(1) &&
                  bias.size(0) == weight.size(0),
              "a linear layer got input ", x.sizes(), ", weight ", weight.sizes(), " and bias ",
              bias.sizes());
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x_any,
                          const Variable& weight_any, const Variable& bias) {
    CheckShapes(x_any, weight_any, bias);
    const at::Tensor x = x_any.contiguous();
    const at::Tensor weight = weight_any.contiguous();
    context->save_for_backward({x, weight});
    const int64_t rows = x.size(0);
    const int64_t in = x.size(1);
    const int64_t out = weight.size(0);
    at::Tensor y = at::empty({rows, out}, x.options());
    y.copy_(bias.unsqueeze(0).expand({rows, out}));
    Gemm(false, true, rows, out, in, x.data_ptr<float>(), in, weight.data_ptr<float>(), in, 1,
         y.data_ptr<float>(), out);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor delta = outputs[0].contiguous();
    const int64_t rows = x.size(0);
    const int64_t in = x.size(1);
    const int64_t out = weight.size(0);
    at::Tensor x_gradient;
    at::Tensor weight_gradient;
    at::Tensor bias_gradient;
    if (context->needs_input_grad(0)) {
      x_gradient = at::empty({rows, in}, x.options());
      Gemm(false, false, rows, in, out, delta.data_ptr<float>(), out, weight.data_ptr<float>(), in,
           0, x_gradient.data_ptr<float>(), in);
    }
    if (context->needs_input_grad(1)) {
      weight_gradient = at::empty({out, in}, x.options());
      Gemm(true, false, out, in, rows, delta.data_ptr<float>(), out, x.data_ptr<float>(), in, 0,
           weight_gradient.data_ptr<float>(), in);
    }
    if (context->needs_input_grad(2)) bias_gradient = delta.sum(0);
    return {x_gradient, weight_gradient, bias_gradient};
  }
};

}  // namespace

at::Tensor TorchLinear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return LinearFunction::apply(x, weight, bias);
}

}  // namespace augstore
