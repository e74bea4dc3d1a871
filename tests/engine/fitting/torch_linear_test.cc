#include "engine/fitting/torch_linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

namespace augstore {
namespace {

// Values that differ from each other and do not come from a generator.
at::Tensor Values(at::IntArrayRef sizes, double phase) {
  const at::Tensor flat = at::arange(at::zeros(sizes).numel(), at::kDouble) * 1.37 + phase;
  return at::sin(flat).to(at::kFloat).reshape(sizes).contiguous();
}

// d f / d tensor by central differences.
at::Tensor FiniteDifferences(const std::function<double()>& f, const at::Tensor& tensor) {
  constexpr float kStep = 1e-2F;
  at::Tensor gradient = at::empty_like(tensor);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    float& value = tensor.data_ptr<float>()[i];
    const float kept = value;
    value = kept + kStep;
    const double above = f();
    value = kept - kStep;
    const double below = f();
    value = kept;
    gradient.data_ptr<float>()[i] = static_cast<float>((above - below) / (2 * kStep));
  }
  return gradient;
}

class TorchLinearGradients : public ::testing::TestWithParam<int64_t> {};

TEST_P(TorchLinearGradients, AgreeWithFiniteDifferences) {
  at::Tensor x = Values({GetParam(), 5}, 0.1);
  at::Tensor weight = Values({3, 5}, 0.7);
  at::Tensor bias = Values({3}, 1.9);
  const at::Tensor factors = Values({GetParam(), 3}, 2.3);
  const auto loss = [&] { return (TorchLinear(x, weight, bias).square() * factors).sum(); };
  const auto value = [&] {
    const at::NoGradGuard no_gradients;
    return loss().to(at::kDouble).item<double>();
  };
  for (at::Tensor* tensor : {&x, &weight, &bias}) tensor->set_requires_grad(true);
  loss().backward();
  for (at::Tensor* tensor : {&x, &weight, &bias}) {
    EXPECT_TRUE(at::allclose(tensor->grad(), FiniteDifferences(value, *tensor), 1e-2, 1e-2))
        << tensor->grad() << FiniteDifferences(value, *tensor);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, TorchLinearGradients, ::testing::Values(1, 4));

TEST(TorchLinear, AgreesWithAPlainProduct) {
  const at::Tensor x = Values({37, 20}, 0.3);
  const at::Tensor weight = Values({11, 20}, 0.5);
  const at::Tensor bias = Values({11}, 0.9);
  const at::Tensor expected =
      (x.unsqueeze(1) * weight.unsqueeze(0)).sum(2) + bias;  // touches no BLAS
  EXPECT_TRUE(at::allclose(TorchLinear(x, weight, bias), expected, 1e-4, 1e-5));
}

TEST(TorchLinear, TakesTensorsThatAreNotContiguous) {
  const at::Tensor x = Values({20, 7}, 0.3).t();
  const at::Tensor weight = Values({20, 11}, 0.5).t();
  const at::Tensor bias = Values({11}, 0.9);
  EXPECT_TRUE(at::equal(TorchLinear(x, weight, bias),
                        TorchLinear(x.contiguous(), weight.contiguous(), bias)));
}

TEST(TorchLinear, DoesNotWriteIntoTheBias) {
  const at::Tensor bias = Values({3}, 0.9);
  const at::Tensor kept = bias.clone();
  TorchLinear(Values({1, 5}, 0.3), Values({3, 5}, 0.5), bias);
  EXPECT_TRUE(at::equal(bias, kept));
}

TEST(TorchLinear, LeavesOutGradientsThatNobodyAsksFor) {
  const at::Tensor x = Values({4, 5}, 0.1);
  const at::Tensor weight = Values({3, 5}, 0.7).set_requires_grad(true);
  const at::Tensor bias = Values({3}, 1.9);
  TorchLinear(x, weight, bias).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(bias.grad().defined());
}

TEST(TorchLinear, RefusesShapesAndTypesThatDoNotFit) {
  const at::Tensor bias = Values({3}, 0);
  EXPECT_THROW(TorchLinear(Values({4, 6}, 0), Values({3, 5}, 0), bias), c10::Error);
  EXPECT_THROW(TorchLinear(Values({4, 5}, 0), Values({2, 5}, 0), bias), c10::Error);
  EXPECT_THROW(TorchLinear(Values({5}, 0), Values({3, 5}, 0), bias), c10::Error);
  EXPECT_THROW(TorchLinear(Values({4, 5}, 0).to(at::kDouble), Values({3, 5}, 0), bias), c10::Error);
}

}  // namespace
}  // namespace augstore
