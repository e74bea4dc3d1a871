#include "tools/cli/record_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

TEST(RecordText, WritesTimesInUtc) {
  EXPECT_EQ(UtcText(0), "1970-01-01 00:00:00");
  EXPECT_EQ(UtcText(1714564800), "2024-05-01 12:00:00");
}

TEST(RecordText, WritesAccuraciesInPercent) {
  EXPECT_EQ(Percent(0.6137), "61.4%");
  EXPECT_EQ(Percent(1), "100.0%");
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
  EXPECT_EQ(LayersJson(layers).dump(),
            R"([{"in":4,"out":8,"activation":"relu","residual":false,"kind":"dense"},)"
            R"({"in":8,"out":4,"activation":"none","residual":true,"kind":"dense"}])");
}

TEST(RecordText, DescribesDiagonalLayers) {
  const std::vector<LayerShape> layers = {{4, 4, Activation::kRelu, true, LayerKind::kDiagonal}};
  EXPECT_EQ(LayersText(layers), "4 -> 4 diagonal +input relu");
  EXPECT_EQ(MultiplyAdds(layers), 4u);
  EXPECT_EQ(LayersJson(layers)[0]["kind"], "diagonal");
}

Card MeasuredCard() {
  Card card;
  card.entries.resize(2);
  card.entries[0] = {"held-out", 100,    0.25,   0.5, 0.5,  0.9, 0.95,
                     1.01,       0.4125, 0.5875, 50,  0.75, 0.5, 1};
  card.entries[1].data = "test";
  card.entries[1].pairs = 20;
  card.entries[1].r2 = card.entries[1].r2_low = card.entries[1].r2_high = 0.25;
  card.candidates = {{"diagonal", 0.25, 0.125, 0.375, 0.5, 512, 0.015, ""},
                     {"affine", 0.5, 0.4125, 0.5875, 0.25, 262144, 1.5, "lambda=3"}};
  card.measures = {{"us_per_row", 1.25}, {"inverse_r2", 0.9375}};
  return card;
}

TEST(RecordText, PrintsEveryEntryOfACard) {
  EXPECT_EQ(CardTable(MeasuredCard()),
            "data      pairs  G                         mse  identity mse  cosine            "
            "dispersion     MRR   hit@1   hit@5\n"
            "held-out    100  0.5000 [0.4125, 0.5875]  0.25           0.5  0.9000 -> 0.9500"
            "      1.0100  0.7500  0.5000  1.0000\n"
            "test         20  0.2500                      0             0  0.0000 -> 0.0000"
            "      0.0000       -       -       -\n");
}

TEST(RecordText, LeavesRanksOutWhereNoneWereMeasured) {
  Card card = MeasuredCard();
  card.entries.erase(card.entries.begin());
  EXPECT_EQ(CardTable(card).find("MRR"), std::string::npos);
}

TEST(RecordText, MarksTheFamilyThatWasRegistered) {
  EXPECT_EQ(CandidatesTable(MeasuredCard(), "affine"),
            "   family    G                         mse  multiply-adds  seconds  notes\n"
            "   diagonal  0.2500 [0.1250, 0.3750]   0.5            512     0.01\n"
            "*  affine    0.5000 [0.4125, 0.5875]  0.25           262k     1.50  lambda=3\n");
  EXPECT_EQ(CandidatesTable(Card{}, "affine"), "");
}

TEST(RecordText, ListsFurtherMeasures) {
  EXPECT_EQ(MeasureTable(MeasuredCard().measures),
            "measure      value\n"
            "us_per_row    1.25\n"
            "inverse_r2  0.9375\n");
  EXPECT_EQ(MeasureTable({}), "");
}

TEST(RecordText, PutsTheWholeCardIntoJson) {
  const Json json = CardJson(MeasuredCard());
  EXPECT_EQ(json["entries"][0]["r2_low"], 0.4125);
  EXPECT_EQ(json["entries"][0]["retrieval_pool"], 50);
  EXPECT_EQ(json["entries"][0]["mrr"], 0.75);
  EXPECT_EQ(json["entries"][0]["hit5"], 1);
  EXPECT_EQ(json["entries"][1]["data"], "test");
  EXPECT_EQ(json["candidates"][1]["family"], "affine");
  EXPECT_EQ(json["candidates"][1]["multiply_adds"], 262144);
  EXPECT_EQ(json["measures"]["us_per_row"], 1.25);
  EXPECT_EQ(CardJson(Card{})["measures"].dump(), "{}");
}

}  // namespace
}  // namespace augstore
