#include "storage/catalog/catalog.h"

#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

using CatalogTest = CatalogFixture;

TEST_F(CatalogTest, MovesATransformsAliasOnlyToWhatIsShownToBeWorthApplying) {
  const auto add = [&](std::vector<CardEntry> entries) {
    TransformRecord record = Transform();
    record.card.entries = std::move(entries);
    return catalog_->AddTransform("t", record, Affine(kTestDim, kTestDim).ToSafetensors())->version;
  };
  CardEntry entry;
  entry.data = "held-out";
  entry.r2 = 0.1;
  entry.r2_low = -0.01;
  const uint32_t unknown = add({});
  const uint32_t doubtful = add({entry});
  entry.r2_low = 0.05;
  const uint32_t worth = add({entry});
  const auto move = [&](uint32_t version, const AliasGate& gate) {
    return catalog_->SetAlias(RecordKind::kTransform, "t", "champion", version, "", gate);
  };
  EXPECT_EQ(move(unknown, {}).code(), Code::kFailedPrecondition);
  const Status refused = move(doubtful, {});
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("-0.0100"), std::string::npos) << refused.message();
  EXPECT_TRUE(move(worth, {.min_r2 = 0.04}).ok());
  EXPECT_EQ(move(worth, {.min_r2 = 0.06}).code(), Code::kFailedPrecondition);
  EXPECT_TRUE(move(worth, {.force = true}).ok());
  EXPECT_TRUE(move(doubtful, {.force = true}).ok());
  const AliasHistory history = catalog_->GetAliases(RecordKind::kTransform, "t").value();
  ASSERT_EQ(history.moves.size(), 3u);
  EXPECT_FALSE(history.moves[1].forced);  // force was not needed
  EXPECT_TRUE(history.moves[2].forced);
}

TEST_F(CatalogTest, ResolvesNumbersAliasesAndTheLatestVersion) {
  CommitOk("birds", Samples(0, 2));
  CommitOk("birds", Samples(2, 2));
  EXPECT_EQ(catalog_->Resolve(RecordKind::kCollection, "birds")->version, 2u);
  EXPECT_EQ(catalog_->Resolve(RecordKind::kCollection, "birds@1")->version, 1u);
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "birds", "stable", 1, "checked").ok());
  EXPECT_EQ(catalog_->Resolve(RecordKind::kCollection, "birds@stable")->version, 1u);
  EXPECT_EQ(catalog_->Get<CollectionRecord>("birds@stable")->ref(), "birds@1");
  EXPECT_EQ(catalog_->Resolve(RecordKind::kAliases, "collection/birds")->version, 1u);
}

TEST_F(CatalogTest, SaysWhatThereIsWhenANameDoesNotResolve) {
  Status missing = catalog_->Resolve(RecordKind::kCollection, "cifr").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(missing, "the store has no collection yet")) << missing.message();
  CommitOk("base", Samples(0, 2));
  CommitOk("cifar10", Samples(0, 3));
  missing = catalog_->Resolve(RecordKind::kCollection, "cifr").status();
  EXPECT_EQ(missing.message(), "collection 'cifr' does not exist; there are: cifar10, base");
  missing = catalog_->Resolve(RecordKind::kCollection, "base@7").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(missing, "has no version 7; its versions: 1")) << missing.message();
  missing = catalog_->Resolve(RecordKind::kCollection, "base@best").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(missing, "has no alias 'best'")) << missing.message();
  EXPECT_EQ(catalog_->Resolve(RecordKind::kCollection, "ba se").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(catalog_->Resolve(RecordKind::kSpace, "base").status().code(), Code::kInvalidArgument);
}

TEST_F(CatalogTest, KeepsEveryMoveOfAnAlias) {
  ASSERT_TRUE(catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors()).ok());
  ASSERT_TRUE(catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors()).ok());
  EXPECT_TRUE(catalog_->GetAliases(RecordKind::kHead, "h")->moves.empty());
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "best", 1, "first").ok());
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "best", 2, "").ok());
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "old", 1, "").ok());
  const AliasHistory history = catalog_->GetAliases(RecordKind::kHead, "h").value();
  ASSERT_EQ(history.moves.size(), 3u);
  EXPECT_EQ(history.moves[0].note, "first");
  EXPECT_GT(history.moves[0].unix_s, 0);
  EXPECT_EQ(history.Find("best"), 2u);
  EXPECT_EQ(catalog_->Get<HeadRecord>("h@old")->version, 1u);
}

TEST_F(CatalogTest, RefusesAliasesOfNothing) {
  ASSERT_TRUE(catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors()).ok());
  const auto code = [&](const std::string& name, const std::string& alias, uint32_t version) {
    return catalog_->SetAlias(RecordKind::kHead, name, alias, version, "").code();
  };
  EXPECT_EQ(code("h", "best", 2), Code::kNotFound);
  EXPECT_EQ(code("g", "best", 1), Code::kNotFound);
  EXPECT_EQ(code("h", "best", 0), Code::kInvalidArgument);
  EXPECT_EQ(code("h", "7", 1), Code::kInvalidArgument);
  EXPECT_EQ(code("h/g", "best", 1), Code::kInvalidArgument);
  EXPECT_EQ(catalog_->SetAlias(RecordKind::kAliases, "h", "best", 1, "").code(),
            Code::kInvalidArgument);
  EXPECT_EQ(catalog_->SetAlias(RecordKind::kHead, "h", "best", 1, std::string(1 << 20, 'x')).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(catalog_->GetAliases(RecordKind::kHead, "g").status().code(), Code::kNotFound);
}

TEST_F(CatalogTest, DeletesAVersionButNotOneThatAnAliasPointsTo) {
  const auto first = CommitOk("c", Samples(0, 2));
  CommitOk("c", Samples(2, 2));
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "c", "prod", 1, "").ok());
  const Status refused = catalog_->Delete(RecordKind::kCollection, "c@1").status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, "'prod'")) << refused.message();
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "c", "prod", 2, "").ok());
  EXPECT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  EXPECT_EQ(catalog_->Delete(RecordKind::kCollection, "c@1").status().code(), Code::kNotFound);
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
  EXPECT_EQ(catalog_->GetSamples(first.record, 0, 2).status().code(), Code::kNotFound);
  EXPECT_EQ(CommitOk("c", Samples(4, 2)).version, 3u);
}

TEST_F(CatalogTest, GivesSamplesFromAnyPlace) {
  const auto made = CommitOk("c", Samples(0, 5000));
  const SampleChunk all = catalog_->GetSamples(made.record, 0, 10000).value();
  SampleChunk expected = Samples(0, 5000);
  for (size_t i = 0; i < expected.size(); ++i) expected.rows.push_back(rows_[i % rows_.size()]);
  EXPECT_EQ(all, expected);
  const SampleChunk across = catalog_->GetSamples(made.record, 4090, 20).value();
  ASSERT_EQ(across.size(), 20u);
  EXPECT_EQ(across.keys[0], "4090");
  EXPECT_EQ(across.keys[19], "4109");
  EXPECT_EQ(catalog_->GetSamples(made.record, 4999, 100)->size(), 1u);
  EXPECT_EQ(catalog_->GetSamples(made.record, 5000, 100)->size(), 0u);
  EXPECT_EQ(catalog_->GetSamples(made.record, 0, ~uint64_t{0})->size(), 5000u);
  EXPECT_EQ(catalog_->GetSamples(made.record, 5001, 1).status().code(), Code::kInvalidArgument);
}

TEST_F(CatalogTest, DropsListsThatNoVersionNames) {
  CommitOk("c", Samples(0, 3));
  const uint32_t left = store_->NewSampleList().value();
  ASSERT_TRUE(store_->PutSampleChunks(left, std::vector<NumberedChunk>{{0, "half"}}).ok());
  Reopen();
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
  EXPECT_TRUE(catalog_->GetSamples(catalog_->Get<CollectionRecord>("c")->record, 0, 3).ok());
}

TEST_F(CatalogTest, DropsNoListWhileARecordIsDamaged) {
  CommitOk("c", Samples(0, 3));
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", "damaged", "").ok());
  ASSERT_TRUE(store_->NewSampleList().ok());
  Reopen();
  EXPECT_EQ(store_->ListSampleLists()->size(), 2u);
  EXPECT_EQ(catalog_->Get<CollectionRecord>("d").status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace augstore
