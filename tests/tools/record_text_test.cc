#include "tools/record_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

TEST(RecordText, WritesTimesInUtc) {
  EXPECT_EQ(UtcText(0), "1970-01-01 00:00:00");
  EXPECT_EQ(UtcText(1714564800), "2024-05-01 12:00:00");
}

TEST(RecordText, JoinsLists) {
  EXPECT_EQ(ListText({}, "none"), "none");
  EXPECT_EQ(ListText({"a"}, "none"), "a");
  EXPECT_EQ(ListText({"a", "b"}, "none"), "a, b");
}

TEST(RecordText, GivesAnAliasToTheVersionOfItsLastMoveAlone) {
  AliasHistory history;
  history.moves = {
      {"champion", 1, "", 1}, {"old", 1, "", 2}, {"champion", 2, "", 3}, {"best", 2, "", 4}};
  EXPECT_EQ(AliasesOf(history, 1), (std::vector<std::string>{"old"}));
  EXPECT_EQ(AliasesOf(history, 2), (std::vector<std::string>{"best", "champion"}));
  EXPECT_TRUE(AliasesOf(history, 3).empty());
}

TEST(RecordText, DescribesLayers) {
  const std::vector<LayerShape> layers = {{4, 8, Activation::kRelu, false},
                                          {8, 4, Activation::kNone, true}};
  EXPECT_EQ(LayersText(layers), "4 -> 8 relu -> 4 +input");
  EXPECT_EQ(LayersText({}), "none");
  EXPECT_EQ(MultiplyAdds(layers), 64u);
  EXPECT_EQ(LayersJson(layers).dump(), R"([{"in":4,"out":8,"activation":"relu","residual":false},)"
                                       R"({"in":8,"out":4,"activation":"none","residual":true}])");
}

TEST(RecordText, PrintsEveryEntryOfACard) {
  Card card;
  card.entries = {{"held-out", 100, 0.25, 0.5, 0.5, 0.9, 0.95, 1.01},
                  {"test", 20, 0.3, 0.6, 0.5, 0.8, 0.9, 1}};
  EXPECT_EQ(CardTable(card),
            "data      pairs       G   mse  identity mse  cosine before   after  dispersion\n"
            "held-out    100  0.5000  0.25           0.5         0.9000  0.9500      1.0100\n"
            "test         20  0.5000   0.3           0.6         0.8000  0.9000      1.0000\n");
  EXPECT_EQ(CardJson(card)["entries"][1]["data"], "test");
  EXPECT_EQ(CardJson(card)["entries"][0]["explained"], 0.5);
}

}  // namespace
}  // namespace augstore
