#include "schemas/base/limits.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

class CatalogDeletionTest : public CatalogFixture {
 protected:
  // Collections "c@1" and "c@2", transforms "flip@1" and "turn@1", head "h@1" trained on c@1 with
  // flip@1, and "h@2" that began from it, on c@2. Alias "best" of h points to h@2.
  void SetUp() override {
    CatalogFixture::SetUp();
    CommitOk("c", Samples(0, 10));
    CommitOk("c", Samples(10, 10));
    const std::string weights = Affine(kTestDim, kTestDim).ToSafetensors();
    ASSERT_TRUE(catalog_->AddTransform("flip", Transform(), weights).ok());
    ASSERT_TRUE(catalog_->AddTransform("turn", Transform(), weights).ok());
    HeadRecord head = Head();
    head.lineage.stream.collection = "c@1";
    head.lineage.stream.policy = "identity:1,flip@1:2";
    const std::string head_weights = Affine(kTestDim, 3).ToSafetensors();
    ASSERT_TRUE(catalog_->AddHead("h", head, head_weights).ok());
    head.lineage.stream.collection = "c@2";
    head.lineage.stream.policy = "identity:1";
    head.lineage.init = "h@1";
    ASSERT_TRUE(catalog_->AddHead("h", head, head_weights).ok());
    ASSERT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "best", 2, "").ok());
  }
  // "kind name@version alias", in order.
  static std::vector<std::string> Names(const Deletion& deletion) {
    std::vector<std::string> names;
    for (const DeletedRecord& record : deletion.records) {
      names.push_back(fmt::format("{} {}@{}{}", RecordKindName(record.kind), record.name,
                                  record.version, record.alias.empty() ? "" : " " + record.alias));
    }
    return names;
  }
  bool Has(RecordKind kind, const std::string& ref) { return catalog_->Resolve(kind, ref).ok(); }
};

TEST_F(CatalogDeletionTest, IsRefusedWhileOthersNameTheRecordAndSaysWhich) {
  const Status collection = catalog_->Delete(RecordKind::kCollection, "c@1").status();
  EXPECT_EQ(collection.code(), Code::kFailedPrecondition);
  for (const char* part : {"head 'h@1' was trained on c@1", "head 'h@2' was trained from h@1",
                           "alias 'best' of head 'h@2'", "--cascade"}) {
    EXPECT_TRUE(Mentions(collection, part)) << collection.message();
  }
  const Status transform = catalog_->Delete(RecordKind::kTransform, "flip@1").status();
  EXPECT_TRUE(Mentions(transform, "head 'h@1' was trained with flip@1")) << transform.message();
  EXPECT_EQ(catalog_->Delete(RecordKind::kHead, "h@1").status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Has(RecordKind::kCollection, "c@1"));
  EXPECT_TRUE(Has(RecordKind::kHead, "h@best"));
}

TEST_F(CatalogDeletionTest, APreviewListsEverythingAndDeletesNothing) {
  const Deletion deletion =
      catalog_->Delete(RecordKind::kCollection, "c@1", {.cascade = true, .preview = true}).value();
  EXPECT_FALSE(deletion.applied);
  EXPECT_EQ(Names(deletion),
            (std::vector<std::string>{"head h@2 best", "head h@2", "head h@1", "collection c@1"}));
  EXPECT_EQ(deletion.records[2].reason, "was trained on c@1");
  EXPECT_EQ(deletion.records[3].reason, "");
  EXPECT_TRUE(Has(RecordKind::kHead, "h@best"));
}

TEST_F(CatalogDeletionTest, ACascadeDeletesWhoeverNamesItFirst) {
  const Deletion deletion =
      catalog_->Delete(RecordKind::kCollection, "c@1", {.cascade = true}).value();
  EXPECT_TRUE(deletion.applied);
  EXPECT_FALSE(Has(RecordKind::kCollection, "c@1"));
  EXPECT_TRUE(Has(RecordKind::kCollection, "c@2"));
  EXPECT_FALSE(Has(RecordKind::kHead, "h@1"));
  EXPECT_FALSE(Has(RecordKind::kHead, "h@best"));
  EXPECT_TRUE(Has(RecordKind::kTransform, "flip@1"));
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
  const AliasHistory history = catalog_->GetAliases(RecordKind::kHead, "h").value();
  EXPECT_EQ(history.moves.back().version, 0u);
  EXPECT_EQ(history.moves.back().note, "version 2 was deleted");
  // Numbers are not used again, and the alias can be set again.
  EXPECT_EQ(catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors())->version, 3u);
  EXPECT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "best", 3, "").ok());
  EXPECT_EQ(catalog_->Resolve(RecordKind::kHead, "h@best")->version, 3u);
}

TEST_F(CatalogDeletionTest, WhatNobodyNamesGoesWithoutACascade) {
  EXPECT_EQ(Names(catalog_->Delete(RecordKind::kTransform, "turn").value()),
            std::vector<std::string>{"transform turn@1"});
  EXPECT_FALSE(Has(RecordKind::kTransform, "turn"));
  EXPECT_EQ(catalog_->Delete(RecordKind::kTransform, "turn").status().code(), Code::kNotFound);
}

TEST_F(CatalogDeletionTest, ANameMeansAllItsVersionsAndAnAliasOne) {
  ASSERT_TRUE(catalog_->Delete(RecordKind::kHead, "h@best", {.cascade = true}).ok());
  EXPECT_TRUE(Has(RecordKind::kHead, "h@1"));
  EXPECT_FALSE(Has(RecordKind::kHead, "h@2"));
  const Deletion both =
      catalog_->Delete(RecordKind::kCollection, "c", {.cascade = true, .preview = true}).value();
  EXPECT_EQ(Names(both),
            (std::vector<std::string>{"head h@1", "collection c@2", "collection c@1"}));
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c", {.cascade = true}).ok());
  EXPECT_FALSE(Has(RecordKind::kCollection, "c"));
  EXPECT_TRUE(store_->ListSampleLists()->empty());
}

TEST_F(CatalogDeletionTest, OtherKindsStay) {
  EXPECT_EQ(catalog_->Delete(RecordKind::kBackbone, "b").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalog_->Delete(RecordKind::kAliases, "head/h").status().code(),
            Code::kInvalidArgument);
}

TEST_F(CatalogDeletionTest, ADamagedCollectionCanBeDeleted) {
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", "damaged", "").ok());
  EXPECT_TRUE(catalog_->Delete(RecordKind::kCollection, "d@1").ok());
}

}  // namespace
}  // namespace augstore
