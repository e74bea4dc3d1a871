#include "engine/heads/torch_head_script.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "engine/heads/head_trainer.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

void ExpectSameOutput(const std::vector<LayerShape>& shapes) {
  const TempDir folder;
  const std::string path = folder.path() + "/head.pt";
  const NetworkPtr head = RandomNetwork(shapes);
  const Status status = SaveTorchScript(head->layers, path);
  ASSERT_TRUE(status.ok()) << status.ToString();

  torch::jit::Module module = torch::jit::load(path);
  const Matrix x = RandomMatrix(9, head->layers.dim_in(), 3);
  const Matrix expected = Applied(*NewReferenceEngine(), head, x.view());
  const at::Tensor in =
      at::from_blob(const_cast<float*>(x.data()), {9, static_cast<int64_t>(x.cols())}, at::kFloat);
  const at::Tensor out = module.forward({in}).toTensor().contiguous();
  ASSERT_EQ(out.size(0), 9);
  ASSERT_EQ(out.size(1), static_cast<int64_t>(expected.cols()));
  for (size_t i = 0; i < 9 * expected.cols(); ++i) {
    EXPECT_NEAR(out.data_ptr<float>()[i], expected.data()[i], 1e-4) << i;
  }
}

TEST(TorchHeadScript, LinearHeadGivesTheSameLogits) { ExpectSameOutput({{12, 5}}); }

TEST(TorchHeadScript, MlpHeadGivesTheSameLogits) {
  ExpectSameOutput({{12, 30, Activation::kRelu}, {30, 8, Activation::kRelu}, {8, 5}});
}

TEST(TorchHeadScript, ResidualLayersGiveTheSameOutput) { ExpectSameOutput(MlpShapes(12, true)); }

TEST(TorchHeadScript, WritesWhatATrainerExports) {
  HeadTrainerOptions options;
  options.arch = "mlp(16)";
  options.dim = 12;
  options.classes = 3;
  options.heads = {HeadConfig{}};
  const TempDir folder;
  const std::string path = folder.path() + "/head.pt";
  const Layers layers = HeadTrainer::Create(options).value()->Export(0);
  ASSERT_TRUE(SaveTorchScript(layers, path).ok());
  torch::jit::Module module = torch::jit::load(path);
  EXPECT_EQ(module.forward({at::zeros({2, 12})}).toTensor().size(1), 3);
}

TEST(TorchHeadScript, RefusesLayersThatDoNotValidate) {
  const TempDir folder;
  EXPECT_EQ(SaveTorchScript({}, folder.path() + "/head.pt").code(), Code::kInvalidArgument);
}

TEST(TorchHeadScript, NamesAFileThatCannotBeWritten) {
  const TempDir folder;
  const std::string path = folder.path() + "/no/such/folder/head.pt";
  const Status status = SaveTorchScript(RandomLayers({{4, 2}}, 1), path);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace augstore
