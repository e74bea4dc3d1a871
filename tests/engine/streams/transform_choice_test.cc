#include "engine/streams/transform_choice.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/filled_store.h"

namespace augstore {
namespace {

Digest OtherBackbone() {
  Digest digest;
  digest.bytes.fill(0xcc);
  return digest;
}

// A store with trials of one op, "vflip".
class ChooseTransformTest : public testing::Test {
 protected:
  void SetUp() override {
    BackboneRecord other = TestBackboneRecord();
    other.digest = OtherBackbone();
    ASSERT_TRUE(filled_.catalog->AddBackbone("psi", other).ok());
    ASSERT_TRUE(filled_.store->OpenSpace(other.digest, kTestDim).ok());
  }

  // The next version of vflip, with this G and lower end of its interval.
  void Add(double r2, double low, const Digest& backbone = TestBackbone()) {
    const Layers layers = ScalingLayers(1, static_cast<float>(++added_));
    TransformRecord record = TestTransform(layers);
    record.backbone = backbone;
    record.card.entries[0].r2 = r2;
    record.card.entries[0].r2_low = low;
    const auto key = filled_.catalog->AddTransform("vflip", record, layers.ToSafetensors());
    ASSERT_TRUE(key.ok()) << key.status().ToString();
  }
  void Champion(uint32_t version) {
    ASSERT_TRUE(
        filled_.catalog->SetAlias(RecordKind::kTransform, "vflip", "champion", version, "").ok());
  }
  Result<Versioned<TransformRecord>> Choose(const std::string& text,
                                            const Digest& backbone = TestBackbone()) {
    return ChooseTransform(*filled_.catalog, ParseRef(text).value(), backbone);
  }

  FilledStore filled_;
  int added_ = 0;
};

TEST_F(ChooseTransformTest, TakesTheBestProvenVersionForABareName) {
  Add(0.5, 0.4);
  Add(0.7, 0.6);
  Add(0.9, -0.1);  // greater, and not proven
  Add(0.6, 0.5);
  EXPECT_EQ(Choose("vflip")->version, 2u);
  Add(0.7, 0.1);
  EXPECT_EQ(Choose("vflip")->version, 5u) << "of equal ones the latest";
}

TEST_F(ChooseTransformTest, PrefersTheChampion) {
  Add(0.5, 0.4);
  Add(0.7, 0.6);
  Champion(1);
  EXPECT_EQ(Choose("vflip")->version, 1u);
}

TEST_F(ChooseTransformTest, LooksOnlyAtVersionsOfTheBackbone) {
  Add(0.5, 0.4);
  Add(0.9, 0.8, OtherBackbone());
  Champion(2);
  EXPECT_EQ(Choose("vflip")->version, 1u);
  EXPECT_EQ(Choose("vflip", OtherBackbone())->version, 2u);
}

TEST_F(ChooseTransformTest, NamesTheVersionsWhenNoneIsProven) {
  Add(0.25, -0.125);
  Add(-0.5, -0.75);
  const Status refused = Choose("vflip").status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("vflip@1: G 0.2500 [-0.1250, 0.7500], vflip@2: G -0.5000"),
            std::string::npos)
      << refused.message();
  EXPECT_NE(refused.message().find("such as vflip@2"), std::string::npos) << refused.message();
  EXPECT_EQ(Choose("vflip@1")->version, 1u) << "an explicit version needs no proof";
}

TEST_F(ChooseTransformTest, RefusesAnotherBackboneAndUnknownNames) {
  Add(0.5, 0.4, OtherBackbone());
  for (const char* text : {"vflip", "vflip@1"}) {
    const Status refused = Choose(text).status();
    EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
    EXPECT_NE(refused.message().find("vflip@1 was trained for backbone psi@1"), std::string::npos)
        << refused.message();
  }
  EXPECT_EQ(Choose("nosuch").status().code(), Code::kNotFound);
  EXPECT_EQ(Choose("vflip@7").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
