#include "tools/collection/view_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

const ViewSet kTwo{"rotate(-30..30)", 2, 7};
const ViewSet kFlip{"vflip", 1, 0};

TEST(WithSets, AddsSetsBehindThoseThatAreThere) {
  EXPECT_EQ(SetsOf(WithSets({kTwo}, {kFlip}).value()), (std::vector<ViewSet>{kTwo, kFlip}));
  EXPECT_EQ(SetsOf(WithSets({kTwo, kFlip}, {kFlip}).value()), (std::vector<ViewSet>{kTwo, kFlip}));
}

TEST(WithSets, ASetGrowsAtItsPlaceAndIsKnownHoweverItsLawIsWritten) {
  const auto grown = WithSets({kTwo, kFlip}, {{"rotate(-30.0..30)", 3, 7}}).value();
  EXPECT_EQ(SetsOf(grown), (std::vector<ViewSet>{{"rotate(-30..30)", 3, 7}, kFlip}));
}

TEST(WithSets, AnotherSeedIsAnotherSet) {
  EXPECT_EQ(WithSets({kTwo}, {{"rotate(-30..30)", 1, 8}})->size(), 2u);
}

TEST(WithSets, RefusesFewerViewsAndTooMany) {
  EXPECT_EQ(WithSets({kTwo}, {{"rotate(-30..30)", 1, 7}}).status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(WithSets({kFlip}, {{"rotate(-30..30)", 64, 7}}).status().code(),
            Code::kInvalidArgument);
}

TEST(ViewsText, NamesSetsAndTheSeedsOfDraws) {
  EXPECT_EQ(ViewsText({kTwo, kFlip}), "2 of rotate(-30..30) (seed 7), 1 of vflip");
  EXPECT_EQ(ViewsText({}), "none");
  EXPECT_EQ(ViewsJson({kFlip}).dump(), R"([{"law":"vflip","count":1,"seed":0}])");
}

}  // namespace
}  // namespace augstore
