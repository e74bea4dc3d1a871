#include "engine/streams/id_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace augstore {
namespace {

IdList Filled(const std::vector<uint64_t>& ids) {
  IdList list;
  list.Reserve(ids.size());
  for (const uint64_t id : ids) list.Add(id);
  return list;
}

void ExpectHolds(const IdList& list, const std::vector<uint64_t>& ids) {
  ASSERT_EQ(list.size(), ids.size());
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(list[i], ids[i]) << i;
}

TEST(IdList, HoldsIdsWithoutGaps) {
  const std::vector<uint64_t> ids = {~uint64_t{0} - 3, ~uint64_t{0} - 2, ~uint64_t{0} - 1};
  const IdList list = Filled(ids);
  ExpectHolds(list, ids);
  EXPECT_TRUE(IdList().empty());
}

TEST(IdList, HoldsOthersOnBothSidesOfFourBillion) {
  std::vector<uint64_t> ids = {0, 1, 2, 256, 255, 0xffffffff};
  ExpectHolds(Filled(ids), ids);
  ids.push_back(0x100000000);
  ids.push_back(7);
  ExpectHolds(Filled(ids), ids);
}

TEST(IdList, LeavesNothingOutWhenADenseBeginningIsAboveFourBillion) {
  const std::vector<uint64_t> ids = {0xffffffff, 0x100000000, 5};
  ExpectHolds(Filled(ids), ids);
}

TEST(IdList, GrowsBeyondWhatWasReserved) {
  IdList list;
  list.Reserve(1);
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < 1000; ++i) {
    ids.push_back(i * 3 % 1000);
    list.Add(ids.back());
  }
  ExpectHolds(list, ids);
}

TEST(IdList, KeepsTheLastNumberOfAllWhereverItStands) {
  const uint64_t last = ~uint64_t{0};
  for (const std::vector<uint64_t>& ids : {std::vector<uint64_t>{last},
                                           {last, 0, 512},
                                           {0, last},
                                           {5, 6, last, 7},
                                           {last - 1, last, 0}}) {
    IdList list;
    for (const uint64_t id : ids) list.Add(id);
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(list[i], ids[i]) << i << " of " << ids.size();
  }
}

}  // namespace
}  // namespace augstore
