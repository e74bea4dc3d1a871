#include "storage/rocksdb/rocksdb_store.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/server_mark.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/rocksdb/rocksdb_keys.h"
#include "tests/storage/store/store_contract.h"
#include "tests/storage/store/store_rows_contract.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

struct RocksDbMaker {
  std::unique_ptr<Store> Make() {
    return OpenRocksDbStore(folder.path() + "/store" + std::to_string(++made), {}).value();
  }
  TempDir folder;
  int made = 0;
};
INSTANTIATE_TYPED_TEST_SUITE_P(RocksDb, StoreContract, RocksDbMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(RocksDb, StoreRowsContract, RocksDbMaker);

class RocksDbStoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open(uint64_t budget = 64u << 20) {
    StoreOptions options;
    options.memory_budget_bytes = budget;
    auto store = OpenRocksDbStore(path_, options);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return store.ok() ? std::move(store).value() : nullptr;
  }
  Code OpenCode(StoreAccess access = StoreAccess::kCreate) {
    StoreOptions options;
    options.access = access;
    return OpenRocksDbStore(path_, options).status().code();
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
};

TEST_F(RocksDbStoreTest, KeepsEverythingWhenReopened) {
  const Matrix embeddings = TestEmbeddings(400, 6, 1);
  std::vector<RowId> rows;
  std::string id;
  {
    const auto store = Open();
    id = store->Stats().value().id;
    const SpaceId space = store->OpenSpace(TestDigest(1), 6).value();
    rows = AppendOk(store.get(), space, TestImages(0, 400), embeddings);
    ASSERT_TRUE(store->AddRecord(RecordKind::kHead, "h", "record", "weights").ok());
    ASSERT_TRUE(store->AddRecord(RecordKind::kHead, "h", "gone", "").ok());
    ASSERT_TRUE(store->DeleteRecord({RecordKind::kHead, "h", 2}).ok());
    ASSERT_TRUE(store
                    ->PutSampleChunks(store->NewSampleList().value(),
                                      std::vector<NumberedChunk>{{3, "chunk"}})
                    .ok());
  }
  for (int i = 0; i < 2; ++i) {  // from the log, then from tables
    const auto store = Open();
    EXPECT_EQ(store->Stats().value().id, id);
    const SpaceInfo space = store->FindSpace(TestDigest(1)).value();
    EXPECT_EQ(space.rows, 400u);
    EXPECT_EQ(space.segments, 2u);
    Matrix out(400, 6);
    ASSERT_TRUE(store->ReadRows(space.id, rows, out.view()).ok());
    for (size_t row = 0; row < 400; ++row) ExpectSameRow(out, row, embeddings, row);
    EXPECT_EQ(AppendOk(store.get(), space.id, TestImages(0, 400), embeddings), rows);
    EXPECT_EQ(store->ReadBlob({RecordKind::kHead, "h", 1}).value(), "weights");
    EXPECT_EQ(store->ReadSampleChunk({1, 3}).value(), "chunk");
    EXPECT_EQ(VerifyAll(store.get()), std::vector<std::string>());
  }
  EXPECT_EQ(Open()->AddRecord(RecordKind::kHead, "h", "next", "").value(), 3u);
  EXPECT_EQ(Open()->NewSampleList().value(), 2u);
}

TEST_F(RocksDbStoreTest, OpensOnlyWhatIsAStore) {
  EXPECT_EQ(OpenCode(StoreAccess::kWrite), Code::kNotFound);
  fs::create_directories(path_);
  EXPECT_EQ(OpenCode(StoreAccess::kWrite), Code::kNotFound);
  folder_.Write("store/holiday.jpg", "x");
  EXPECT_EQ(OpenCode(), Code::kFailedPrecondition);
  EXPECT_TRUE(fs::exists(path_ + "/holiday.jpg"));
  fs::remove(path_ + "/holiday.jpg");
  folder_.Write("store/LOG", "of a creation that was interrupted");
  EXPECT_EQ(OpenCode(), Code::kOk);
  EXPECT_EQ(OpenCode(StoreAccess::kWrite), Code::kOk);
  path_ = folder_.Write("file", "x");
  EXPECT_EQ(OpenCode(), Code::kFailedPrecondition);
}

TEST_F(RocksDbStoreTest, RefusesOtherDatabasesAndNewerFormats) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path_, &db).ok());
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "a", "b").ok());
  delete db;
  EXPECT_EQ(OpenCode(), Code::kFailedPrecondition);

  path_ += "2";
  Open();
  options.create_if_missing = false;
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, path_, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  ASSERT_TRUE(rocksdb::DB::Open(options, path_, families, &handles, &db).ok());
  ASSERT_TRUE(
      db->Put(rocksdb::WriteOptions(), rocksdb::Slice(rocks::kFormatKey), rocks::Big(99u)).ok());
  for (auto* handle : handles) delete handle;
  delete db;
  const Status newer = OpenRocksDbStore(path_, {}).status();
  EXPECT_EQ(newer.code(), Code::kFailedPrecondition);
  EXPECT_NE(newer.message().find("99"), std::string::npos) << newer.message();
}

TEST_F(RocksDbStoreTest, SaysWhoHoldsAStoreThatIsOpen) {
  const auto store = Open();
  Status held = OpenRocksDbStore(path_, {}).status();
  EXPECT_EQ(held.code(), Code::kFailedPrecondition);
  EXPECT_NE(held.message().find("another process"), std::string::npos) << held.message();
  {
    const ServerMark mark(path_, "tcp://127.0.0.1:7411");
    held = OpenRocksDbStore(path_, {}).status();
    EXPECT_EQ(held.code(), Code::kFailedPrecondition);
    EXPECT_NE(held.message().find("use --connect tcp://127.0.0.1:7411"), std::string::npos)
        << held.message();
  }
  held = OpenRocksDbStore(path_, {}).status();
  EXPECT_EQ(held.message().find("7411"), std::string::npos) << held.message();
}

TEST_F(RocksDbStoreTest, StaysWithinItsMemoryBudget) {
  const Matrix embeddings = TestEmbeddings(20 * kSegmentRows, 16, 1);
  const size_t segment_bytes = kSegmentRows * 16 * sizeof(float);
  const auto store = Open(3 * segment_bytes);
  const SpaceId space = store->OpenSpace(TestDigest(1), 16).value();
  const auto rows = AppendOk(store.get(), space, TestImages(0, embeddings.rows()), embeddings);
  Matrix out(1000, 16);
  for (size_t round = 0; round < 3; ++round) {
    std::vector<RowId> asked;
    for (size_t i = 0; i < 1000; ++i) asked.push_back(rows[(i * 997 + round) % rows.size()]);
    ASSERT_TRUE(store->ReadRows(space, asked, out.view()).ok());
    for (size_t i = 0; i < 1000; ++i) ExpectSameRow(out, i, embeddings, asked[i]);
    EXPECT_LE(store->Stats().value().resident_bytes, 3 * segment_bytes);
  }
  EXPECT_GT(store->Stats().value().resident_bytes, 0u);
}

TEST_F(RocksDbStoreTest, ReadsWithoutAnyMemoryBudget) {
  const auto store = Open(0);
  const SpaceId space = store->OpenSpace(TestDigest(1), 3).value();
  const Matrix embeddings = TestEmbeddings(600, 3, 1);
  const auto rows = AppendOk(store.get(), space, TestImages(0, 600), embeddings);
  Matrix out(600, 3);
  ASSERT_TRUE(store->ReadRows(space, rows, out.view()).ok());
  for (size_t i = 0; i < 600; ++i) ExpectSameRow(out, i, embeddings, i);
  EXPECT_EQ(store->Stats().value().resident_bytes, 0u);
}

TEST_F(RocksDbStoreTest, TakesNoWritesAfterAFailedOne) {
  auto store = Open();
  const SpaceId space = store->OpenSpace(TestDigest(1), 4096).value();
  const Matrix embeddings = TestEmbeddings(10, 4096, 1);
  const auto rows = AppendOk(store.get(), space, TestImages(0, 10), embeddings);
  // The device refuses to let files grow any further.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = 200 << 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  std::vector<RowId> ignored(10);
  const Status failed = store->AppendRows(space, TestImages(10, 10), embeddings.view(), ignored);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(failed.code(), Code::kUnavailable) << failed.ToString();
  EXPECT_EQ(store->AppendRows(space, TestImages(10, 10), embeddings.view(), ignored).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(store->AddRecord(RecordKind::kHead, "h", "x", "").status().code(),
            Code::kFailedPrecondition);
  EXPECT_NE(store->Stats().value().write_error, "");
  Matrix out(10, 4096);
  EXPECT_TRUE(store->ReadRows(space, rows, out.view()).ok());
  // RocksDB aborts when its log is flushed after a failed write: verify must not.
  EXPECT_EQ(VerifyAll(store.get()), std::vector<std::string>());
  store.reset();
  store = Open();
  ASSERT_TRUE(store->ReadRows(space, rows, out.view()).ok());
  for (size_t i = 0; i < 10; ++i) ExpectSameRow(out, i, embeddings, i);
  AppendOk(store.get(), space, TestImages(10, 10), embeddings);
  EXPECT_EQ(VerifyAll(store.get()), std::vector<std::string>());
}

// Appends for ever and writes each acknowledged image's row to `pipe`. Runs in a process of its
// own.
[[noreturn]] void AppendUntilKilled(const std::string& path, int pipe) {
  auto store = OpenRocksDbStore(path, {});
  if (!store.ok()) ::_exit(1);
  const SpaceId space = (*store)->OpenSpace(TestDigest(1), 8).value();
  for (uint64_t first = 0;; first += 100) {
    std::vector<RowId> rows(100);
    const Matrix embeddings = TestEmbeddings(100, 8, first);
    if (!(*store)->AppendRows(space, TestImages(first, 100), embeddings.view(), rows).ok()) {
      ::_exit(2);
    }
    if (::write(pipe, rows.data(), rows.size() * sizeof(RowId)) < 0) ::_exit(3);
  }
}

TEST_F(RocksDbStoreTest, HasEveryAcknowledgedRowAfterKillMinusNine) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer lets no child of a process with threads start threads";
#endif
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) AppendUntilKilled(path_, pipe[1]);
  ::close(pipe[1]);
  constexpr size_t kCallBytes = 100 * sizeof(RowId);
  std::string acknowledged;
  char buffer[kCallBytes];
  bool killed = false;
  for (ssize_t n = 0; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;) {
    acknowledged.append(buffer, static_cast<size_t>(n));
    if (!killed && acknowledged.size() >= 20 * kCallBytes) {
      EXPECT_EQ(OpenCode(), Code::kFailedPrecondition);  // another process has it
      ::kill(child, SIGKILL);
      killed = true;  // what was acknowledged before it died is still read
    }
  }
  ::close(pipe[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));

  const auto store = Open();
  const SpaceInfo space = store->FindSpace(TestDigest(1)).value();
  const size_t calls = acknowledged.size() / kCallBytes;
  ASSERT_GE(calls, 20u);
  for (size_t call = 0; call < calls; ++call) {
    std::vector<RowId> rows(100);
    std::memcpy(rows.data(), acknowledged.data() + call * kCallBytes, kCallBytes);
    std::vector<RowId> found(100);
    ASSERT_TRUE(store->FindImages(space.id, TestImages(call * 100, 100), found).ok());
    EXPECT_EQ(found, rows);
    Matrix out(100, 8);
    ASSERT_TRUE(store->ReadRows(space.id, rows, out.view()).ok());
    const Matrix expected = TestEmbeddings(100, 8, call * 100);
    for (size_t i = 0; i < 100; ++i) ExpectSameRow(out, i, expected, i);
  }
  EXPECT_EQ(VerifyAll(store.get()), std::vector<std::string>());
}

TEST_F(RocksDbStoreTest, LoadsWhatIsReadAhead) {
  const Matrix embeddings = TestEmbeddings(20 * kSegmentRows, 16, 1);
  const uint64_t segment_bytes = kSegmentRows * 16 * sizeof(float);
  std::vector<RowId> rows;
  {
    const auto store = Open();
    const SpaceId space = store->OpenSpace(TestDigest(1), 16).value();
    rows = AppendOk(store.get(), space, TestImages(0, embeddings.rows()), embeddings);
  }
  const auto store = Open(10 * segment_bytes);
  const SpaceId space = store->FindSpace(TestDigest(1)).value().id;
  const auto wanted = std::make_shared<int>();
  store->ReadAheadOf(space, RowPart::kEmbedding, std::span(rows).first(4 * kSegmentRows), wanted);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (store->Stats().value().resident_bytes < 4 * segment_bytes) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  // Beyond the budget, while rows are read.
  store->ReadAheadOf(space, RowPart::kEmbedding, rows, wanted);
  Matrix out(rows.size(), 16);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(store->ReadRows(space, rows, out.view()).ok());
    for (size_t row = 0; row < rows.size(); ++row) ExpectSameRow(out, row, embeddings, row);
  }
  EXPECT_EQ(store->Stats().value().resident_bytes, 10 * segment_bytes);
}

class DamagedStoreTest : public RocksDbStoreTest {
 protected:
  static constexpr size_t kRows = 1000;
  static constexpr size_t kDim = 64;

  void SetUp() override {
    {
      const auto store = Open();
      const SpaceId space = store->OpenSpace(TestDigest(1), kDim).value();
      rows_ = AppendOk(store.get(), space, TestImages(0, kRows), embeddings_);
    }
    Open();  // moves the log's content to tables
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().extension() == ".sst" && entry.file_size() > kRows * kDim) {
        table_ = entry.path().string();
      }
    }
    ASSERT_FALSE(table_.empty());
  }
  void FlipByte(const std::string& file, uint64_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  Matrix embeddings_ = TestEmbeddings(kRows, kDim, 1);
  std::vector<RowId> rows_;
  std::string table_;  // the file with the segments
};

TEST_F(DamagedStoreTest, NamesTheFileAndTheSegmentAndGivesNoWrongRow) {
  FlipByte(table_, 2 * kSegmentRows * kDim * sizeof(float));
  const auto store = Open();
  const SpaceId space = store->FindSpace(TestDigest(1)).value().id;
  Matrix out(kRows, kDim);
  const Status read = store->ReadRows(space, rows_, out.view());
  EXPECT_EQ(read.code(), Code::kDataLoss) << read.ToString();
  EXPECT_NE(read.message().find("augstore verify"), std::string::npos) << read.message();
  size_t readable = 0;
  for (size_t i = 0; i < kRows; i += kSegmentRows) {
    if (!store->ReadRows(space, {&rows_[i], 1}, out.view().Slice(0, 1)).ok()) continue;
    ExpectSameRow(out, 0, embeddings_, i);
    ++readable;
  }
  EXPECT_EQ(readable, 3u);  // of four segments
  std::string problems;
  for (const std::string& problem : VerifyAll(store.get())) problems += problem + "\n";
  EXPECT_NE(problems.find(fs::path(table_).filename().string()), std::string::npos) << problems;
  EXPECT_NE(problems.find("segment "), std::string::npos) << problems;
}

TEST_F(DamagedStoreTest, FindsADamagedByteWhereverItIs) {
  const uint64_t size = fs::file_size(table_);
  for (uint64_t offset = 5; offset < size; offset += size / 12) {
    FlipByte(table_, offset);
    const auto store = OpenRocksDbStore(path_, {});
    if (!store.ok()) {
      EXPECT_EQ(store.status().code(), Code::kDataLoss) << store.status().ToString();
    } else {
      Matrix out(kRows, kDim);
      const Status read = (*store)->ReadRows(1, rows_, out.view());
      if (read.ok()) {
        for (size_t i = 0; i < kRows; ++i) ExpectSameRow(out, i, embeddings_, i);
      } else {
        EXPECT_EQ(read.code(), Code::kDataLoss) << read.ToString();
      }
      EXPECT_FALSE(VerifyAll(store->get()).empty()) << "byte " << offset;
    }
    FlipByte(table_, offset);
  }
  EXPECT_EQ(VerifyAll(Open().get()), std::vector<std::string>());
}

TEST_F(DamagedStoreTest, RefusesToOpenWithoutAFile) {
  fs::remove(table_);
  const Status status = OpenRocksDbStore(path_, {}).status();
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace augstore
