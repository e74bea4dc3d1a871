#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "schemas/weights/dtype.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/embeddings.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

TEST(RocksDbStoreRead, ReadsNothingMoreForAClientThatIsGone) {
  const TempDir folder;
  const std::string path = folder.path() + "/store";
  auto store = OpenRocksDbStore(path, {}).value();
  const SpaceId space = store->OpenSpace(TestDigest(1), 4).value();
  const Matrix embeddings = TestEmbeddings(600, 4, 1);
  const std::vector<RowId> rows = AppendOk(store.get(), space, TestImages(0, 600), embeddings);
  store.reset();
  store = OpenRocksDbStore(path, {}).value();
  std::stop_source stop;
  stop.request_stop();
  const Cancellation gone(stop.get_token(), Cancellation::Clock::time_point::max());
  const Cancellation late({}, Cancellation::Clock::now());
  const std::span<const RowId> some = std::span(rows).first(100);
  Matrix out(100, 4);
  std::vector<uint8_t> stored(100 * RowBytes(Dtype::kF32, 4));
  EXPECT_EQ(store->ReadRows(space, some, out.view(), gone).code(), Code::kUnavailable);
  EXPECT_EQ(store->ReadRows(space, some, out.view(), late).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(store->ReadStoredRows(space, some, stored, gone).code(), Code::kUnavailable);
  EXPECT_EQ(store->ReadFeatureMaps(space, some, out.view(), gone).code(), Code::kUnavailable);
  ASSERT_TRUE(store->ReadRows(space, some, out.view()).ok());
  EXPECT_TRUE(store->ReadRows(space, some, out.view(), gone).ok()) << "they are in memory";
  for (const char* cursor : {"", "segments 1 0", "images "}) {
    EXPECT_EQ(store->Verify(cursor, gone).status().code(), Code::kUnavailable) << cursor;
    EXPECT_EQ(store->Verify(cursor, late).status().code(), Code::kDeadlineExceeded) << cursor;
    EXPECT_TRUE(store->Verify(cursor)->problems.empty()) << cursor;
  }
}

}  // namespace
}  // namespace augstore
