// Whatever happens to the files of a store, opening it never loses an acknowledged write silently.
#include "storage/rocksdb/rocksdb_recovery.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_options.h"
#include "storage/rocksdb/rocksdb_repair.h"
#include "tests/storage/rocksdb/recovery_fixture.h"
#include "tests/storage/store/store_contract.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// Where each record of a log begins: a header is crc u32 · length u16 · type u8, and no header
// crosses a block of 32 KiB.
std::vector<size_t> RecordStarts(const std::string& log) {
  constexpr size_t kHeader = 7;
  constexpr size_t kBlock = 32768;
  std::vector<size_t> starts;
  for (size_t at = 0; at + kHeader <= log.size();) {
    if (kBlock - at % kBlock < kHeader) {
      at += kBlock - at % kBlock;
      continue;
    }
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(log[i])); };
    const size_t length = byte(at + 4) | byte(at + 5) << 8;
    if (length == 0) break;
    starts.push_back(at);
    at += kHeader + length;
  }
  return starts;
}

TEST_F(RecoveryTest, LosesNothingSilentlyWhenAnyHeaderOfAKilledStoresLogIsDamaged) {
  MakeKilledStore();
  const std::string name = LogName();
  const std::vector<size_t> starts = RecordStarts(files_[name]);
  ASSERT_GE(starts.size(), kRecords);
  for (size_t at : starts) {
    for (size_t field = 0; field < 7; ++field) {
      Restore();
      std::string log = files_[name];
      log[at + field] = static_cast<char>(log[at + field] ^ (field == 6 ? 0x01 : 0x40));
      folder_.Write("store/" + name, log);
      ExpectRefusedOrComplete(fmt::format("byte {} of the header at {}: ", field, at));
    }
  }
}

TEST_F(RecoveryTest, LosesNothingSilentlyWhenAKilledStoresLogIsCutOrZeroed) {
  MakeKilledStore();
  const std::string name = LogName();
  const std::string& whole = files_[name];
  std::vector<size_t> places = RecordStarts(whole);
  for (size_t at = 0; at < whole.size(); at += 1009) places.push_back(at);
  for (size_t at : places) {
    Restore();
    folder_.Write("store/" + name, whole.substr(0, at));
    ExpectRefusedOrComplete(fmt::format("cut at {}: ", at));
    Restore();
    std::string zeroed = whole;
    std::fill_n(zeroed.begin() + static_cast<ptrdiff_t>(at),
                std::min<size_t>(4096, whole.size() - at), '\0');
    folder_.Write("store/" + name, zeroed);
    ExpectRefusedOrComplete(fmt::format("zeros from {}: ", at));
  }
}

TEST_F(RecoveryTest, LosesNothingSilentlyWhenAFileIsDeletedEmptiedCutOrZeroed) {
  for (const bool is_killed : {true, false}) {
    fs::remove_all(path_);
    if (is_killed) {
      MakeKilledStore();
    } else {
      MakeClosedStore();
    }
    for (const auto& [name, bytes] : files_) {
      const std::string what = (is_killed ? "killed, " : "closed, ") + name;
      Restore();
      fs::remove(path_ + "/" + name);
      ExpectRefusedOrComplete(what + " deleted: ");
      for (size_t size : {size_t{0}, bytes.size() / 3, bytes.size() / 2, bytes.size() - 1}) {
        if (bytes.empty()) continue;
        Restore();
        folder_.Write("store/" + name, bytes.substr(0, size));
        ExpectRefusedOrComplete(fmt::format("{} cut to {}: ", what, size));
      }
      Restore();
      folder_.Write("store/" + name, std::string(bytes.size(), '\0'));
      ExpectRefusedOrComplete(what + " zeroed: ");
    }
  }
}

TEST_F(RecoveryTest, HasEverythingInTablesOnceClosed) {
  MakeClosedStore();
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().extension() == ".log") fs::remove(entry.path());
  }
  const auto store = OpenWith(path_, StoreAccess::kWrite);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  EXPECT_EQ((*store)->ListRecords(RecordKind::kHead, "h").value().size(), kRecords);
  EXPECT_EQ(VerifyAll(store->get()), std::vector<std::string>());
}

TEST_F(RecoveryTest, SaysWhatIsMissing) {
  MakeKilledStore();
  fs::remove(path_ + "/" + LogName());
  const Status lost = OpenWith(path_, StoreAccess::kWrite).status();
  EXPECT_EQ(lost.code(), Code::kDataLoss);
  EXPECT_NE(lost.message().find("lost acknowledged writes"), std::string::npos) << lost.message();
  EXPECT_NE(lost.message().find("augstore repair"), std::string::npos) << lost.message();
}

TEST_F(RecoveryTest, OpensForReadingWithoutChangingAByteOrTakingALock) {
  MakeKilledStore();
  const auto first = OpenWith(path_, StoreAccess::kRead).value();
  const auto second = OpenWith(path_, StoreAccess::kRead).value();
  EXPECT_EQ(second->ListRecords(RecordKind::kHead, "h").value().size(), kRecords);
  EXPECT_EQ(VerifyAll(first.get()), std::vector<std::string>());
  EXPECT_EQ(first->AddRecord(RecordKind::kHead, "h", "x", "").status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(FilesOf(path_), files_);
}

TEST_F(RecoveryTest, OpensForReadingBesideTheProcessThatWrites) {
  const auto writer = OpenWith(path_, StoreAccess::kCreate).value();
  EXPECT_EQ(OpenWith(path_, StoreAccess::kWrite).status().code(), Code::kFailedPrecondition);
  for (size_t i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(writer->AddRecord(RecordKind::kHead, "h", RecordBytes(i), "").ok());
    const auto reader = OpenWith(path_, StoreAccess::kRead);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    EXPECT_EQ((*reader)->ListRecords(RecordKind::kHead, "h").value().size(), i + 1);
  }
}

TEST_F(RecoveryTest, KeepsOthersOutWhenTheLockFileIsDeleted) {
  const auto writer = OpenWith(path_, StoreAccess::kCreate).value();
  fs::remove(path_ + "/LOCK");
  EXPECT_EQ(OpenWith(path_, StoreAccess::kWrite).status().code(), Code::kFailedPrecondition);
}

TEST_F(RecoveryTest, MakesAStoreThatOnlyItsOwnerCanRead) {
  OpenWith(path_, StoreAccess::kCreate).value();
  struct stat info = {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(RecoveryTest, MakesAStoreAtAnyPath) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  for (const char* path : {"plain", "slash/", "./dot", "a/b/c", "a/b/d/"}) {
    EXPECT_TRUE(OpenWith(path, StoreAccess::kCreate).ok()) << path;
    EXPECT_TRUE(OpenWith(path, StoreAccess::kRead).ok()) << path;
  }
  fs::current_path(before);
}

TEST_F(RecoveryTest, RefusesAMarkOfAnotherStore) {
  OpenWith(path_, StoreAccess::kCreate).value();
  const auto other = folder_.path() + "/other";
  OpenWith(other, StoreAccess::kCreate).value();
  fs::copy_file(other + "/MARK", path_ + "/MARK", fs::copy_options::overwrite_existing);
  EXPECT_EQ(OpenWith(path_, StoreAccess::kWrite).status().code(), Code::kDataLoss);
}

// What a newer augstore may make of a store: another format, a family more, another mark.
void MakeNewer(const std::string& path, const std::string& release, const char* family,
               const std::string& mark) {
  OpenWith(path, StoreAccess::kCreate).value();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(
      rocksdb::DB::Open(rocksdb::DBOptions(), path, FamilyDescriptors(), &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (family != nullptr) {
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, family, &handle).ok());
    ASSERT_TRUE(db->Put({}, handle, "key", "value").ok());
    handles.push_back(handle);
  }
  ASSERT_TRUE(db->Put({}, "format", rocks::Big(uint32_t{3})).ok());
  ASSERT_TRUE(db->Put({}, "release", release).ok());
  for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  if (!mark.empty()) std::ofstream(path + "/MARK") << mark;
}

TEST_F(RecoveryTest, RefusesAStoreOfANewerAugstoreAndNamesIt) {
  int number = 0;
  for (const char* family : {static_cast<const char*>(nullptr), "graphs"}) {
    for (const std::string mark : {"", "augstore mark 3\nsequences 4 5 6\n"}) {
      path_ = folder_.path() + "/store" + std::to_string(++number);
      MakeNewer(path_, "0.3.0", family, mark);
      const auto before = FilesOf(path_);
      for (const Status& newer : {OpenWith(path_, StoreAccess::kRead).status(),
                                  OpenWith(path_, StoreAccess::kWrite).status(),
                                  RepairStore(path_, /*apply=*/true).status()}) {
        EXPECT_EQ(newer.code(), Code::kFailedPrecondition);
        EXPECT_THAT(newer.message(), HasSubstr("has format 3, made by augstore 0.3.0; this"));
        EXPECT_THAT(newer.message(), HasSubstr("reads format 2: use augstore 0.3.0 or newer"));
      }
      EXPECT_EQ(FilesOf(path_), before);
    }
  }
}

TEST_F(RecoveryTest, NotesTheReleaseThatMadeAStore) {
  OpenWith(path_, StoreAccess::kCreate).value();
  const auto opened = OpenForReading(path_, ReadMark(path_));
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  std::string release;
  ASSERT_TRUE(opened->db->Get({}, "release", &release).ok());
  EXPECT_THAT(release, MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(RecoveryTest, FinishesACreationThatWasInterruptedBeforeItsFirstWrite) {
  fs::create_directory(path_);
  ASSERT_TRUE(WriteMark(path_, {std::string(32, 'f'), 0}).ok());
  EXPECT_EQ(OpenWith(path_, StoreAccess::kRead).status().code(), Code::kNotFound);
  EXPECT_EQ(OpenWith(path_, StoreAccess::kWrite).status().code(), Code::kNotFound);
  EXPECT_TRUE(OpenWith(path_, StoreAccess::kCreate).ok());
}

}  // namespace
}  // namespace augstore
