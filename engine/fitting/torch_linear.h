// A fully connected layer for Torch's autograd whose products run on Gemm. at::linear calls
// whichever BLAS is installed, and the plain one is tens of times slower.
#ifndef AUGSTORE_ENGINE_FITTING_TORCH_LINEAR_H_
#define AUGSTORE_ENGINE_FITTING_TORCH_LINEAR_H_

#include <ATen/core/Tensor.h>

namespace augstore {

// y = x W' + b: x is n x in, W out x in, b out; y is n x out. All float32 on the CPU.
// Differentiable once, by all three. Throws c10::Error when shapes or types do not fit.
at::Tensor TorchLinear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TORCH_LINEAR_H_
