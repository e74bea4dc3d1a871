#include "engine/images/view_law.h"

#include <gtest/gtest.h>

#include <set>

#include "schemas/base/digest.h"

namespace augstore {
namespace {

ContentHash Image(uint8_t number) {
  ContentHash hash;
  hash.bytes[0] = number;
  return hash;
}

TEST(ViewLaw, DrawsByLawSeedNumberAndImageAlone) {
  const ViewLaw law = ViewLaw::Parse({"rotate(-30..30)>brightness(0.7..1.4)", 2, 7}).value();
  const ViewLaw same = ViewLaw::Parse({"rotate(-30..30.0)>brightness(.7..1.4)", 3, 7}).value();
  EXPECT_EQ(same.set().law, law.set().law);
  std::set<std::string> ops;
  for (uint8_t image = 0; image < 20; ++image) {
    for (uint32_t number = 0; number < 2; ++number) {
      const std::string op = law.Op(number, Image(image)).text();
      EXPECT_EQ(same.Op(number, Image(image)).text(), op);
      ops.insert(op);
      const std::vector<double> drawn = law.Parameters(number, Image(image));
      ASSERT_EQ(drawn.size(), 2u);
      EXPECT_GE(drawn[0], -30);
      EXPECT_LE(drawn[0], 30);
      EXPECT_GE(drawn[1], 0.7);
      EXPECT_LE(drawn[1], 1.4);
    }
  }
  EXPECT_EQ(ops.size(), 40u) << "another op for each view of each image";
  const ViewLaw other = ViewLaw::Parse({"rotate(-30..30)>brightness(0.7..1.4)", 2, 8}).value();
  EXPECT_NE(other.Op(0, Image(1)).text(), law.Op(0, Image(1)).text());
}

TEST(ViewLaw, TheOpNamesTheParametersExactly) {
  const ViewLaw law = ViewLaw::Parse({"rotate(-30..30)>brightness(0.7..1.4)", 1, 3}).value();
  const std::vector<double> drawn = law.Parameters(0, Image(9));
  EXPECT_EQ(law.Op(0, Image(9)).text(),
            fmt::format("rotate({})>brightness({})", drawn[0], drawn[1]));
}

TEST(ViewLaw, AViewOfAFixedOpIsStoredWhereItsPairsAre) {
  const ViewLaw law = ViewLaw::Parse({"rotate(30)>vflip", 1, 0}).value();
  EXPECT_EQ(law.Hash(0, Image(1)), DeriveHash(Image(1), "rotate(30)>vflip"));
}

TEST(ViewLaw, RefusesWhatIsNoViewSet) {
  for (const ViewSet& set :
       {ViewSet{"", 1, 0}, ViewSet{"twist(3)", 1, 0}, ViewSet{"rotate(30..-30)", 1, 0},
        ViewSet{"rotate(-3..3)", 0, 0}, ViewSet{"vflip", 2, 0}, ViewSet{"vflip", 1, 5}}) {
    EXPECT_EQ(ViewLaw::Parse(set).status().code(), Code::kInvalidArgument) << set.law;
  }
}

}  // namespace
}  // namespace augstore
