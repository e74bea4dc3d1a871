#include "storage/rocksdb/store_mark.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "schemas/base/files.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

const std::string kId(32, 'a');

class StoreMarkTest : public testing::Test {
 protected:
  std::string Bytes() { return ReadFile(folder_.path() + "/MARK", 4096).value(); }

  TempDir folder_;
};

TEST_F(StoreMarkTest, KeepsTheLastSequenceThatWasAcknowledged) {
  EXPECT_EQ(ReadMark(folder_.path()).status().code(), Code::kNotFound);
  ASSERT_TRUE(WriteMark(folder_.path(), {kId, 0}).ok());
  {
    const auto mark = StoreMark::Open(folder_.path()).value();
    for (uint64_t sequence = 1; sequence <= 50; ++sequence) {
      ASSERT_TRUE(mark->Acknowledge(sequence * 10).ok());
      // A reader of the file sees it at once, as it would after the process was killed.
      ASSERT_EQ(ReadMark(folder_.path()).value().sequence, sequence * 10);
    }
  }
  const auto mark = StoreMark::Open(folder_.path()).value();
  EXPECT_EQ(mark->note().sequence, 500u);
  EXPECT_EQ(mark->note().store_id, kId);
}

TEST_F(StoreMarkTest, IsReadableText) {
  ASSERT_TRUE(WriteMark(folder_.path(), {kId, 7}).ok());
  EXPECT_NE(Bytes().find("sequence 7\n"), std::string::npos);
}

TEST_F(StoreMarkTest, FallsBackToTheOlderSlotWhenOneIsDamagedAtAnyByte) {
  ASSERT_TRUE(WriteMark(folder_.path(), {kId, 0}).ok());
  {
    const auto mark = StoreMark::Open(folder_.path()).value();
    ASSERT_TRUE(mark->Acknowledge(1).ok());
    ASSERT_TRUE(mark->Acknowledge(2).ok());
  }
  const std::string whole = Bytes();
  for (size_t i = 0; i < whole.size(); i += 5) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x01);
    folder_.Write("MARK", damaged);
    const Result<MarkNote> note = ReadMark(folder_.path());
    ASSERT_TRUE(note.ok()) << "byte " << i << ": " << note.status().ToString();
    EXPECT_GE(note->sequence, 1u) << "byte " << i;
  }
}

TEST_F(StoreMarkTest, IsDamagedWhenBothSlotsAre) {
  for (const std::string& bytes : {std::string(), std::string(1024, '\0'), std::string(300, 'x')}) {
    folder_.Write("MARK", bytes);
    EXPECT_EQ(ReadMark(folder_.path()).status().code(), Code::kDataLoss);
  }
}

TEST_F(StoreMarkTest, OfANewerReleaseIsRefusedAndNotCalledDamaged) {
  folder_.Write("MARK", "augstore mark 3\nanything\n");
  const Status newer = ReadMark(folder_.path()).status();
  EXPECT_EQ(newer.code(), Code::kFailedPrecondition);
  EXPECT_NE(newer.message().find("version 3, this augstore reads version 2: use a newer augstore"),
            std::string::npos)
      << newer.message();
}

}  // namespace
}  // namespace augstore
