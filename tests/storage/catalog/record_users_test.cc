#include "storage/catalog/record_users.h"

#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

using RecordUsersTest = CatalogFixture;

TEST_F(RecordUsersTest, AnAliasThatMovedAwayNamesNothing) {
  CommitOk("c", Samples(0, 2));
  CommitOk("c", Samples(2, 2));
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "c", "live", 1, "").ok());
  ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "c", "live", 2, "").ok());
  const RecordUsers users = RecordUsers::Load(store_.get()).value();
  EXPECT_TRUE(users.Of({RecordKind::kCollection, "c", 1}).empty());
  EXPECT_EQ(
      users.Of({RecordKind::kCollection, "c", 2}),
      (std::vector<DeletedRecord>{{RecordKind::kCollection, "c", 2, "live", "points to c@2"}}));
  EXPECT_TRUE(users.Of({RecordKind::kTransform, "c", 2}).empty()) << "another kind";
}

TEST_F(RecordUsersTest, DamagedRecordsNameNothing) {
  ASSERT_TRUE(store_->AddRecord(RecordKind::kHead, "h", "damaged", "").ok());
  ASSERT_TRUE(store_->PutRecord(RecordKind::kAliases, "head/h", "damaged").ok());
  const auto users = RecordUsers::Load(store_.get());
  ASSERT_TRUE(users.ok()) << users.status().ToString();
  EXPECT_TRUE(users->Of({RecordKind::kHead, "h", 1}).empty());
}

}  // namespace
}  // namespace augstore
