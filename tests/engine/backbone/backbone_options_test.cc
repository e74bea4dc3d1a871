#include "engine/backbone/backbone_options.h"

#include <gtest/gtest.h>

#include <cmath>

namespace augstore {
namespace {

TEST(BackboneOptions, AreRefusedOutOfRange) {
  EXPECT_TRUE(CheckOptions({}).ok());
  std::vector<BackboneOptions> bad(6);
  bad[0].way.batch = 5000;
  bad[1].threads = -1;
  bad[2].input_height = 32;
  bad[3].mean = {0.5f};
  bad[4].stddev = {1.0f, 0.0f, 1.0f};
  bad[5].mean = {0.5f, NAN, 0.5f};
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(CheckOptions(bad[i]).code(), Code::kInvalidArgument) << i;
  }
}

TEST(BackboneOptions, RefuseANormalisationThatMakesInfinitiesOfPixels) {
  BackboneOptions options;
  options.stddev = {1, 1, 1e-40f};
  EXPECT_EQ(CheckOptions(options).code(), Code::kInvalidArgument);
  options.stddev = {1, 1, 1e-30f};
  EXPECT_TRUE(CheckOptions(options).ok());
}

TEST(BackboneOptions, TakeWhatIsLeftOpenFromTheFile) {
  BackboneOptions options;
  options.mean = {0.25f, 0.25f, 0.25f};
  const Status status = AddMetadata(
      R"({"input_height": 2, "input_width": 3, "mean": [0.5, 0, 0], "std": [0.5, 1, 2]})", options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(options.input_height, 2u);
  EXPECT_EQ(options.input_width, 3u);
  EXPECT_EQ(options.mean, (std::vector<float>{0.25f, 0.25f, 0.25f}));
  EXPECT_EQ(options.stddev, (std::vector<float>{0.5f, 1, 2}));
  EXPECT_TRUE(AddMetadata("", options).ok());
}

TEST(BackboneOptions, RefuseDamagedMetadata) {
  for (const std::string metadata :
       {"{", "[]", R"({"mean": "grey"})", R"({"input_height": 32.5, "input_width": 32})",
        R"({"input_height": 4294967328, "input_width": 32})"}) {
    BackboneOptions options;
    EXPECT_EQ(AddMetadata(metadata, options).code(), Code::kInvalidArgument) << metadata;
  }
  for (const std::string metadata : {R"({"std": [1, 0, 1]})", R"({"input_height": 32})"}) {
    BackboneOptions options;
    ASSERT_TRUE(AddMetadata(metadata, options).ok()) << metadata;
    EXPECT_EQ(CheckOptions(options).code(), Code::kInvalidArgument) << metadata;
  }
}

}  // namespace
}  // namespace augstore
