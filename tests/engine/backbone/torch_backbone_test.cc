#include "engine/backbone/torch_backbone.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "engine/math/unit_length.h"
#include "schemas/base/digest.h"
#include "tests/engine/backbone/backbones.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

const std::string kPath = SourcePath("tools/demo_assets/backbone.pt");

std::unique_ptr<Backbone> LoadWith(uint32_t batch, int threads) {
  BackboneOptions options;
  options.way = {.form = BackboneForm::kOptimised, .channels_last = true, .batch = batch};
  options.threads = threads;
  auto backbone = Backbone::Load(kPath, options);
  EXPECT_TRUE(backbone.ok()) << backbone.status().ToString();
  return backbone.ok() ? std::move(*backbone) : nullptr;
}

class RealBackbone : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kPath)) GTEST_SKIP() << "there is no backbone at " << kPath;
  }
};

TEST_F(RealBackbone, DescribesItself) {
  const auto backbone = LoadWith(16, 1);
  ASSERT_NE(backbone, nullptr);
  EXPECT_EQ(backbone->dim(), 512u);
  EXPECT_EQ(backbone->input_height(), 32u);
  EXPECT_EQ(backbone->input_width(), 32u);
  EXPECT_TRUE(backbone->mean().empty());
  EXPECT_EQ(backbone->digest(), Sha256File(kPath).value());
  EXPECT_EQ(backbone->multiply_adds(), 141393920u);
  EXPECT_EQ(backbone->images_embedded(), 0u);
}

TEST_F(RealBackbone, GivesTheSameBitsWhateverStandsBesideAnImage) {
  const auto backbone = LoadWith(8, 1);
  ASSERT_NE(backbone, nullptr);
  const std::vector<Image> images = Patterns(19);
  const Matrix all = Embed(*backbone, images);
  const std::vector<Image> reversed(images.rbegin(), images.rend());
  const Matrix back = Embed(*backbone, reversed);
  for (size_t i = 0; i < images.size(); ++i) {
    EXPECT_TRUE(SameRow(all, i, back, images.size() - 1 - i)) << i;
    EXPECT_TRUE(SameRow(all, i, Embed(*backbone, {images[i]}), 0)) << i;
  }
  EXPECT_FALSE(SameRow(all, 0, all, 1));
}

TEST_F(RealBackbone, GivesTheSameBitsWithAnyNumberOfThreads) {
  const std::vector<Image> images = Patterns(33);
  const auto one = LoadWith(4, 1);
  const auto three = LoadWith(4, 3);
  ASSERT_TRUE(one != nullptr && three != nullptr);
  const Matrix expected = Embed(*one, images);
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Matrix out = Embed(*three, images);
    for (size_t i = 0; i < images.size(); ++i) EXPECT_TRUE(SameRow(expected, i, out, i)) << i;
  }
}

TEST_F(RealBackbone, GivesFiniteNonNegativeEmbeddingsAndCountsImages) {
  const auto backbone = LoadWith(16, 2);
  ASSERT_NE(backbone, nullptr);
  const Matrix out = Embed(*backbone, Patterns(5));
  double sum = 0;
  for (size_t i = 0; i < out.rows() * out.cols(); ++i) {
    ASSERT_TRUE(std::isfinite(out.data()[i]) && out.data()[i] >= 0);
    sum += out.data()[i];
  }
  EXPECT_GT(sum, 0);
  EXPECT_EQ(backbone->images_embedded(), 5u);
  Embed(*backbone, {});
  EXPECT_EQ(backbone->images_embedded(), 5u);
}

TEST_F(RealBackbone, NormalisesWhenAsked) {
  BackboneOptions options;
  options.way.batch = 2;
  options.mean = {0.5f, 0.5f, 0.5f};
  options.stddev = {0.25f, 0.5f, 1.0f};
  const auto changed = Backbone::Load(kPath, options);
  ASSERT_TRUE(changed.ok()) << changed.status().ToString();
  EXPECT_EQ((*changed)->mean(), options.mean);
  const auto plain = LoadWith(2, 1);
  ASSERT_NE(plain, nullptr);
  EXPECT_FALSE(SameRow(Embed(**changed, {Pattern(1)}), 0, Embed(*plain, {Pattern(1)}), 0));
}

TEST_F(RealBackbone, RefusesImagesAndMatricesOfOtherSizes) {
  const auto backbone = LoadWith(2, 1);
  ASSERT_NE(backbone, nullptr);
  Matrix out(1, 512);
  const std::vector<Image> large = {Pattern(1, 33)};
  const Status status = backbone->Embed(large, out.view());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("33 x 33"), std::string::npos) << status.message();
  Matrix narrow(1, 511);
  const std::vector<Image> good = {Pattern(1)};
  EXPECT_EQ(backbone->Embed(good, narrow.view()).code(), Code::kInvalidArgument);
}

TEST_F(RealBackbone, RefusesAFileThatWasCutShort) {
  std::string bytes;
  bytes.resize(std::filesystem::file_size(kPath) / 2);
  std::ifstream(kPath, std::ios::binary).read(bytes.data(), std::ssize(bytes));
  const TempDir dir;
  const auto backbone = Backbone::Load(dir.Write("cut.pt", bytes), {});
  ASSERT_FALSE(backbone.ok());
  EXPECT_EQ(backbone.status().code(), Code::kInvalidArgument);
}

TEST(TorchBackbone, SaysWhyAFileIsNoBackbone) {
  const TempDir dir;
  EXPECT_EQ(Backbone::Load(dir.path() + "/none.pt", {}).status().code(), Code::kNotFound);
  EXPECT_EQ(Backbone::Load(dir.path(), {}).status().code(), Code::kInvalidArgument);
  const std::string text = dir.Write("text.pt", "dear diary");
  for (const std::string& path : {text, dir.Write("empty.pt", "")}) {
    const auto backbone = Backbone::Load(path, {});
    ASSERT_FALSE(backbone.ok());
    EXPECT_EQ(backbone.status().code(), Code::kInvalidArgument);
    EXPECT_NE(backbone.status().message().find(path), std::string::npos);
    EXPECT_NE(backbone.status().message().find("TorchScript"), std::string::npos);
  }
}

TEST(TorchBackbone, FindsTheInputSizeByTrialAndCountsProducts) {
  const TempDir dir;
  const auto backbone =
      Backbone::Load(Script(dir, "return x.flatten(1).mm(torch.ones([12288, 4]))"), {});
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  EXPECT_EQ((*backbone)->input_height(), 64u);
  EXPECT_EQ((*backbone)->input_width(), 64u);
  EXPECT_EQ((*backbone)->dim(), 4u);
  EXPECT_EQ((*backbone)->multiply_adds(), 12288u * 4u);
}

TEST(TorchBackbone, ReadsTheFilesOwnSizeAndNormalisation) {
  const TempDir dir;
  const std::string path =
      Script(dir, "return x.flatten(2).mean(2)",
             R"({"input_height": 2, "input_width": 3, "mean": [0.5, 0, 0], "std": [0.5, 1, 2]})");
  const auto backbone = Backbone::Load(path, {});
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  EXPECT_EQ((*backbone)->input_height(), 2u);
  EXPECT_EQ((*backbone)->input_width(), 3u);
  Image image{3, 2, {}};
  for (int i = 0; i < 6; ++i) image.rgb.insert(image.rgb.end(), {0, 51, 255});
  const Matrix out = Embed(**backbone, {image});
  EXPECT_FLOAT_EQ(out.data()[0], -1.0f);
  EXPECT_FLOAT_EQ(out.data()[1], 0.2f);
  EXPECT_FLOAT_EQ(out.data()[2], 0.5f);
  BackboneOptions options;
  options.mean = {0.0f, 0.0f, 0.0f};
  const auto changed = Backbone::Load(path, options);
  ASSERT_TRUE(changed.ok());
  EXPECT_FLOAT_EQ(Embed(**changed, {image}).data()[0], 0.0f);
}

TEST(TorchBackbone, TakesTheFirstOfSeveralOutputs) {
  const TempDir dir;
  const auto backbone = Backbone::Load(Script(dir, "return (x.flatten(2).mean(2), x)"), {});
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  EXPECT_EQ((*backbone)->dim(), 3u);
  EXPECT_EQ((*backbone)->input_height(), 32u);
}

TEST(TorchBackbone, RefusesWhatDoesNotMapImagesToRows) {
  const TempDir dir;
  for (const std::string body :
       {"return x", "return x.sum()", "return 7", "return x.flatten(1)[:1]",
        "return x.flatten(1).mm(torch.ones([5, 4]))",
        "return torch.complex(x, x).flatten(2).mean(2)",
        "return x.expand(2, 3, 70000, 1).mean(1)"}) {
    const auto backbone = Backbone::Load(Script(dir, body), {});
    ASSERT_FALSE(backbone.ok()) << body;
    EXPECT_EQ(backbone.status().code(), Code::kInvalidArgument) << backbone.status().ToString();
  }
}

TEST(TorchBackbone, RefusesNetworksThatMixImagesOrDrawAtRandom) {
  const TempDir dir;
  const auto refusal = [&](const std::string& body) {
    const auto backbone = Backbone::Load(Script(dir, body), {});
    EXPECT_EQ(backbone.status().code(), Code::kInvalidArgument) << body;
    return backbone.status().message();
  };
  EXPECT_NE(refusal("return (x - x.mean(0)).flatten(2).mean(2)").find("remove what mixes images"),
            std::string::npos);
  EXPECT_NE(refusal("return x.flatten(2).mean(2) + torch.rand([3])").find("what draws at random"),
            std::string::npos);
}

// Products of matrices, as at the end of a classifier and all through a vision transformer, add in
// another order at another slot.
const std::string kLinear =
    "w = (torch.arange(3072 * 67).reshape([67, 3072]) * 0.7).sin()\n"
    "    return torch.addmm(torch.ones([67]), x.flatten(1), w.t())";
const std::string kTransformer =
    "w = (torch.arange(192 * 192).reshape([192, 192]) * 0.3).sin() * 0.07\n"
    "    t = x.reshape([-1, 3, 4, 8, 4, 8]).permute(0, 2, 4, 1, 3, 5).reshape([-1, 16, 192])\n"
    "    a = t.matmul(w).matmul(t.transpose(1, 2)).softmax(2)\n"
    "    return a.matmul(t.matmul(w)).mean(1).matmul(w)";

TEST(TorchBackbone, TakesNetworksWhoseLastBitsDependOnTheSlot) {
  const TempDir dir;
  for (const std::string& body : {kLinear, kTransformer}) {
    const auto loaded = Backbone::Load(Script(dir, body), {});
    ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
    Backbone& backbone = **loaded;
    const std::vector<Image> images = Patterns(19);
    const Matrix all = Embed(backbone, images);
    const double spread = SpreadOf(all);
    EXPECT_LE(backbone.way().slot_difference, 1e-4);
    const std::vector<Image> reversed(images.rbegin(), images.rend());
    const Matrix back = Embed(backbone, reversed);
    for (size_t i = 0; i < images.size(); ++i) {
      for (size_t c = 0; c < all.cols(); ++c) {
        EXPECT_NEAR(all.row(i)[c], back.row(images.size() - 1 - i)[c], 1e-4 * spread);
      }
    }
    // In their own slots they are the same bits, whatever stands beside them.
    std::vector<Image> others = Patterns(40);
    others.erase(others.begin(), others.begin() + 20);
    others[3] = images[3];
    others[18] = images[18];
    const Matrix beside = Embed(backbone, others);
    EXPECT_TRUE(SameRow(all, 3, beside, 3));
    EXPECT_TRUE(SameRow(all, 18, beside, 18));
  }
}

TEST_F(RealBackbone, GivesTheSameEmbeddingsInEveryWayUpToRounding) {
  const std::vector<Image> images = Patterns(5);
  const auto expected = LoadWith(16, 1);
  ASSERT_NE(expected, nullptr);
  const Matrix plain = Embed(*expected, images);
  for (const BackboneForm form : {BackboneForm::kFrozen, BackboneForm::kOptimised}) {
    for (const bool channels_last : {true, false}) {
      BackboneOptions options;
      options.way = {form, channels_last, 4, 123, 0};
      const auto backbone = Backbone::Load(kPath, options);
      ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
      EXPECT_EQ((*backbone)->way(), options.way) << "what was chosen once is not chosen again";
      const Matrix other = Embed(**backbone, images);
      for (size_t i = 0; i < 5 * 512; ++i) {
        EXPECT_NEAR(plain.data()[i], other.data()[i], 1e-4 * SpreadOf(plain));
      }
    }
  }
}

TEST(TorchBackbone, ScalesEmbeddingsToLengthOneWhenAskedOrWhereTheFileDoes) {
  const TempDir dir;
  const std::string mean = "z = x.flatten(2).mean(2) - 0.4\n    return z";
  BackboneOptions options;
  options.normalised = true;
  const auto asked = Backbone::Load(Script(dir, mean), options);
  ASSERT_TRUE(asked.ok()) << asked.status().ToString();
  const auto plain = Backbone::Load(Script(dir, mean), {});
  ASSERT_TRUE(plain.ok() && !(*plain)->normalised());
  const auto found = Backbone::Load(Script(dir, mean + " / z.norm(2, [1], True)"), {});
  ASSERT_TRUE(found.ok() && (*found)->normalised());
  const std::vector<Image> images = Patterns(3);
  const Matrix values = Embed(**plain, images);
  const Matrix scaled = Embed(**asked, images);
  const Matrix own = Embed(**found, images);
  EXPECT_TRUE(HaveUnitLength(scaled.view()));
  for (size_t i = 0; i < 3; ++i) {
    const double length = std::hypot(values.row(i)[0], values.row(i)[1], values.row(i)[2]);
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(scaled.row(i)[c] * length, values.row(i)[c], 1e-6);
      EXPECT_NEAR(scaled.row(i)[c], own.row(i)[c], 1e-6);
    }
  }
}

TEST(TorchBackbone, NamesAnEmbeddingOfZerosThatCannotBeScaled) {
  const TempDir dir;
  BackboneOptions options;
  options.normalised = true;
  const auto backbone = Backbone::Load(Script(dir, "return x.flatten(2).mean(2)"), options);
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  std::vector<Image> images = Patterns(3);
  images[1].rgb.assign(3072, 0);
  Matrix out(3, 3);
  std::vector<std::string> failures(3);
  ASSERT_TRUE((*backbone)->Embed(images, out.view(), {}, failures).ok());
  EXPECT_NE(failures[1].find("all zeros"), std::string::npos) << failures[1];
  EXPECT_EQ(failures[0] + failures[2], "");
  EXPECT_TRUE(HaveUnitLength(out.view().Slice(2, 1)));
}

TEST(TorchBackbone, ReportsAFailureDuringEmbed) {
  const TempDir dir;
  BackboneOptions options;
  options.way.batch = 2;
  options.threads = 3;
  const auto failing = Backbone::Load(
      Script(dir,
             "assert float(x.max()) < 1.0, 'no white, please'\n    return x.flatten(2).mean(2)"),
      options);
  ASSERT_TRUE(failing.ok()) << failing.status().ToString();
  std::vector<Image> images(9, Image{32, 32, std::vector<uint8_t>(3072, 9)});
  images[6].rgb[100] = 255;
  Matrix out(images.size(), 3);
  const Status status = (*failing)->Embed(images, out.view());
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find("no white, please"), std::string::npos) << status.message();
  EXPECT_EQ((*failing)->images_embedded(), 0u);
  images[6].rgb[100] = 254;
  EXPECT_TRUE((*failing)->Embed(images, out.view()).ok());
}

// White raises for its whole batch, black gives minus infinity.
TEST(TorchBackbone, NamesTheImagesThatItFailsForAndGivesTheBitsOfTheOthers) {
  const TempDir dir;
  BackboneOptions options;
  options.way.batch = 4;
  options.threads = 2;
  // Last bits depend on the slot.
  const auto backbone =
      Backbone::Load(Script(dir,
                            "assert float(x.max()) < 1.0, 'no white, please'\n"
                            "    slot = torch.arange(x.size(0)).unsqueeze(1)\n"
                            "    return torch.log(x.flatten(2).mean(2)) * (1 + 1e-7 * slot)"),
                     options);
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  std::vector<Image> images;
  for (uint8_t i = 1; i <= 11; ++i) images.push_back({32, 32, std::vector<uint8_t>(3072, i)});
  const Matrix expected = Embed(**backbone, images);
  images[2].rgb.assign(3072, 255);
  images[3].rgb.assign(3072, 0);
  images[10].rgb.assign(3072, 0);
  Matrix out(images.size(), 3);
  std::vector<std::string> failures(images.size(), "of another call");
  ASSERT_TRUE((*backbone)->Embed(images, out.view(), {}, failures).ok());
  for (size_t i = 0; i < images.size(); ++i) {
    if (i == 2) {
      EXPECT_NE(failures[i].find("no white, please"), std::string::npos) << failures[i];
    } else if (i == 3 || i == 10) {
      EXPECT_NE(failures[i].find("NaN or an infinity"), std::string::npos) << failures[i];
    } else {
      EXPECT_EQ(failures[i], "");
      EXPECT_TRUE(SameRow(expected, i, out, i)) << i;
    }
  }
}

TEST(TorchBackbone, RefusesToGiveOutNan) {
  const TempDir dir;
  const auto backbone = Backbone::Load(Script(dir, "return (x.flatten(2).mean(2) - 2).sqrt()"), {});
  ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
  Matrix out(1, 3);
  const std::vector<Image> images = {Pattern(1)};
  const Status status = (*backbone)->Embed(images, out.view());
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find("NaN"), std::string::npos);
}

}  // namespace
}  // namespace augstore
