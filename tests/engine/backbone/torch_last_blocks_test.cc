#include "engine/backbone/torch_last_blocks.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <filesystem>
#include <string>
#include <utility>

#include "engine/backbone/torch_backbone.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/transforms/spatial_fronts.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

const std::string kShared = SourcePath("../shared/data/");

std::string Save(const TempDir& folder, const std::string& body) {
  torch::jit::Module module("last_blocks");
  module.register_attribute("training", c10::BoolType::get(), false);  // as every nn.Module has
  module.register_parameter("w", torch::arange(36, torch::kFloat).reshape({4, 1, 3, 3}) / 36,
                            false);
  module.register_parameter("b", torch::arange(4, torch::kFloat), false);
  module.define("def forward(self, m):\n" + body);
  const std::string path = folder.path() + "/last_blocks.pt";
  module.save(path);
  return path;
}

TEST(ReadLastBlocks, ReadsConvolutionsReluSumsAndTheMean) {
  const TempDir folder;
  const std::string path = Save(folder,
                                "  a = torch.conv2d(m, self.w, self.b, [1, 1], [1, 1])\n"
                                "  c = torch.conv2d(m, self.w, None, [1, 1], [1, 1])\n"
                                "  return torch.relu(a + c).mean([2, 3])\n");
  const auto convs = ReadLastBlocks(path);
  ASSERT_TRUE(convs.ok()) << convs.status().ToString();
  ASSERT_EQ(convs->size(), 2u);
  EXPECT_EQ((*convs)[1].add, 1u);
  EXPECT_EQ((*convs)[1].activation, Activation::kRelu);
  EXPECT_EQ((*convs)[0].bias[3], 3.0F);
  EXPECT_EQ((*convs)[1].bias[3], 0.0F);
}

TEST(ReadLastBlocks, RefusesWhatCannotBeKeptAsDataWithTheReason) {
  const TempDir folder;
  const std::pair<std::string, std::string> cases[] = {
      {"aten::sigmoid", "  return torch.sigmoid(m).mean([2, 3])\n"},
      {"mean", "  return torch.conv2d(m, self.w, self.b, [1, 1], [1, 1])\n"},
      {"padding", "  return torch.conv2d(m, self.w, self.b, [1, 1], [0, 0]).mean([2, 3])\n"},
      {"mean", "  return torch.conv2d(m, self.w, self.b, [1, 1], [1, 1]).mean([1, 2])\n"},
      {"after the mean",
       "  return torch.relu(torch.conv2d(m, self.w, self.b, [1, 1], [1, 1]).mean([2, 3]))\n"},
  };
  for (const auto& [part, body] : cases) {
    const Status refused = ReadLastBlocks(Save(folder, body)).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument);
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
  EXPECT_EQ(ReadLastBlocks(folder.path() + "/none.pt").status().code(), Code::kNotFound);
  EXPECT_EQ(ReadLastBlocks(SourcePath("README.md")).status().code(), Code::kInvalidArgument);
}

// z = blocks(feature map), both by one backbone.
TEST(ReadLastBlocks, ReturnsTheFunctionOfARealBackbonesLastBlocks) {
  const std::string cut = kShared + "backbone_spatial.pt";
  if (!std::filesystem::exists(cut))
    GTEST_SKIP() << "there is no backbone with feature maps at " << cut;
  const auto backbone = Backbone::Load(cut, {}).value();
  EXPECT_EQ(backbone->feature_map(), (FeatureMapShape{8, 8, 128}));
  std::vector<Image> images(5, Image{32, 32, std::vector<uint8_t>(32 * 32 * 3)});
  for (size_t i = 0; i < images.size(); ++i) {
    for (size_t b = 0; b < images[i].rgb.size(); ++b) {
      images[i].rgb[b] = static_cast<uint8_t>(b * (i + 3) / 7);
    }
  }
  Matrix z(5, backbone->dim()), feature_maps(5, backbone->feature_map().values()),
      alone(5, backbone->dim());
  ASSERT_TRUE(backbone->Embed(images, z.view(), feature_maps.view()).ok());
  ASSERT_TRUE(backbone->Embed(images, alone.view()).ok());
  EXPECT_TRUE(SameBytes(std::as_const(z).view(), std::as_const(alone).view()));
  const auto convs = ReadLastBlocks(kShared + "backbone_tail.pt");
  ASSERT_TRUE(convs.ok()) << convs.status().ToString();
  const Matrix features =
      Features(FrontOf(backbone->feature_map(), *convs), std::as_const(feature_maps).view());
  EXPECT_LT(LargestDifference(z, features), 1e-3);
}

}  // namespace
}  // namespace augstore
