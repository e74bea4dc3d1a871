#include "storage/store/row_leases.h"

#include <gtest/gtest.h>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

using Held = std::vector<std::pair<SpaceId, uint64_t>>;

TEST(RowLeases, AreOfTheSegmentsOfRowsThatExist) {
  RowLeases leases(std::chrono::hours(1));
  const std::vector<RowId> rows = {5, kNoRow, 7, 3 * kSegmentRows};
  EXPECT_EQ(leases.Take(2, rows), (std::vector<uint64_t>{0, 3}));
  EXPECT_EQ(leases.Held(), (Held{{2, 0}, {2, 3}}));
}

TEST(RowLeases, EndWhenACollectionNamesTheRows) {
  RowLeases leases(std::chrono::hours(1));
  const std::vector<RowId> rows = {5, 3 * kSegmentRows};
  const std::vector<RowId> named = {6};
  leases.Take(1, rows);
  leases.End(1, named);
  EXPECT_EQ(leases.Held(), (Held{{1, 3}}));
  leases.End(2, named);
}

TEST(RowLeases, RunOut) {
  RowLeases leases(std::chrono::seconds(0));
  const std::vector<RowId> rows = {5};
  leases.Take(1, rows);
  EXPECT_EQ(leases.Held(), Held());
}

}  // namespace
}  // namespace augstore
