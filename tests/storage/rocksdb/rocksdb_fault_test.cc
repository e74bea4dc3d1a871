// What was acknowledged survives a power cut and every failing call.
// AUGSTORE_FAULT_ROUNDS: how many of each are tried, if not a few (tools/torture sets it).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/rocksdb/faulty_files.h"
#include "tests/storage/store/store_contract.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using Call = FaultyFiles::Call;
constexpr uint32_t kTestColumns = 8;

uint64_t Rounds(uint64_t few) {
  const char* text = std::getenv("AUGSTORE_FAULT_ROUNDS");
  return text == nullptr ? few : std::strtoull(text, nullptr, 10);
}

uint64_t Seed() {
  const char* text = std::getenv("AUGSTORE_FAULT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

// A writer that remembers what was acknowledged to it.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  // Returns false once a write was refused.
  bool Work(Store& store, int steps) {
    for (int i = 0; i < steps; ++i) {
      if (!Step(store).ok()) return false;
    }
    return true;
  }

  Status Step(Store& store) {
    switch (random_() % 4) {
      case 0: {
        const std::string bytes(random_() % 3000, static_cast<char>('a' + records_.size() % 26));
        AUGSTORE_ASSIGN(const uint32_t version,
                        store.AddRecord(RecordKind::kHead, "h", bytes, "weights"));
        records_[version] = bytes;
        return OkStatus();
      }
      case 1: {
        alias_tried_ = std::to_string(random_());
        AUGSTORE_TRY(store.PutRecord(RecordKind::kAliases, "head/h", alias_tried_));
        alias_ = alias_tried_;
        return OkStatus();
      }
      default: {
        AUGSTORE_ASSIGN(const SpaceId space, store.OpenSpace(TestDigest(1), kTestColumns));
        const size_t count = 1 + random_() % 600;
        std::vector<RowId> rows(count);
        const Matrix embeddings = TestEmbeddings(count, kTestColumns, images_);
        AUGSTORE_TRY(store.AppendRows(space, TestImages(images_, count), embeddings.view(), rows));
        appends_.emplace_back(images_, count);
        images_ += count;
        return OkStatus();
      }
    }
  }

  void ExpectKept(Store& store, const std::string& what) const {
    for (const auto& [version, bytes] : records_) {
      const auto read = store.ReadRecord({RecordKind::kHead, "h", version});
      ASSERT_TRUE(read.ok()) << what << read.status().ToString();
      EXPECT_EQ(*read, bytes) << what;
    }
    const auto alias = store.ReadRecord({RecordKind::kAliases, "head/h", 1});
    if (!alias_.empty()) {
      ASSERT_TRUE(alias.ok()) << what << alias.status().ToString();
      // The one that was refused may have reached the device all the same.
      EXPECT_TRUE(*alias == alias_ || *alias == alias_tried_) << what;
    }
    for (const auto& [first, count] : appends_) {
      std::vector<RowId> rows(count);
      ASSERT_TRUE(store.FindImages(1, TestImages(first, count), rows).ok()) << what;
      Matrix out(count, kTestColumns);
      const Status read = store.ReadRows(1, rows, out.view());
      ASSERT_TRUE(read.ok()) << what << read.ToString();
      const Matrix expected = TestEmbeddings(count, kTestColumns, first);
      for (size_t i = 0; i < count; ++i) ExpectSameRow(out, i, expected, i);
    }
    EXPECT_EQ(VerifyAll(&store), std::vector<std::string>()) << what;
  }

 private:
  std::mt19937_64 random_;
  std::map<uint32_t, std::string> records_;
  std::string alias_;
  std::string alias_tried_;
  std::vector<std::pair<uint64_t, size_t>> appends_;
  uint64_t images_ = 0;
};

class FaultTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> Open(rocksdb::Env* env) {
    return RocksDbStore::Open(
        path_, {.access = StoreAccess::kCreate, .memory_budget_bytes = 1u << 20}, env);
  }
  void StartAnew() { std::filesystem::remove_all(path_); }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
};

TEST_F(FaultTest, HasEveryAcknowledgedWriteAfterThePowerWasCut) {
  const uint64_t seed = Seed();
  for (uint64_t round = 0; round < Rounds(4); ++round) {
    const std::string what = fmt::format("seed {}, round {}: ", seed, round);
    StartAnew();
    Writer writer(seed + round);
    // Several lives, so that a cut also comes while an earlier life's log is recovered.
    for (int life = 0; life < 3; ++life) {
      const auto files = std::make_shared<FaultyFiles>();
      const std::unique_ptr<rocksdb::Env> env = FaultyEnv(files);
      auto store = Open(env.get());
      ASSERT_TRUE(store.ok()) << what << store.status().ToString();
      ASSERT_TRUE(writer.Work(**store, static_cast<int>(1 + (seed + round + life) % 12))) << what;
      files->CutPower();
      store->reset();
      files->LoseUnsynced();
    }
    const auto store = Open(rocksdb::Env::Default());
    ASSERT_TRUE(store.ok()) << what << store.status().ToString();
    writer.ExpectKept(**store, what);
  }
}

// Fails one call, or all from one on, at every place that a run comes to; checks that the writer
// gets an error, that nothing is acknowledged after it, and that everything acknowledged is kept.
void FailEverywhere(Call call, bool forever, const std::string& path) {
  const uint64_t seed = Seed();
  const uint64_t most = Rounds(3);
  for (uint64_t number = 1; number <= most; ++number) {
    const std::string what = fmt::format("seed {}, call {}: ", seed, number);
    std::filesystem::remove_all(path);
    const StoreOptions options{.access = StoreAccess::kCreate, .memory_budget_bytes = 1u << 20};
    Writer writer(seed);
    {
      auto made = RocksDbStore::Open(path, options);
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      ASSERT_TRUE(writer.Work(**made, 4));
    }
    const auto files = std::make_shared<FaultyFiles>();
    const std::unique_ptr<rocksdb::Env> env = FaultyEnv(files);
    files->FailAt(call, number, forever);
    bool reached = false;
    {
      auto store = RocksDbStore::Open(path, options, env.get());
      if (store.ok()) {
        const bool failed = !writer.Work(**store, 6);
        reached = files->calls() >= number;
        // A write that failed: no other is acknowledged until the store is opened again.
        if (failed) {
          EXPECT_NE((*store)->Stats()->write_error, "") << what;
          EXPECT_EQ((*store)->AddRecord(RecordKind::kHead, "x", "x", "").status().code(),
                    Code::kFailedPrecondition)
              << what;
        }
      } else {
        reached = true;
        EXPECT_TRUE(store.status().code() == Code::kUnavailable ||
                    store.status().code() == Code::kDataLoss)
            << what << store.status().ToString();
      }
    }
    const auto store = RocksDbStore::Open(path, options);
    ASSERT_TRUE(store.ok()) << what << store.status().ToString();
    writer.ExpectKept(**store, what);
    if (!reached) return;  // the run came to its end untouched
  }
}

TEST_F(FaultTest, LosesNothingWhenAnAppendFails) {
  FailEverywhere(Call::kAppend, false, path_);
  FailEverywhere(Call::kAppend, true, path_);
}
TEST_F(FaultTest, LosesNothingWhenASyncFails) { FailEverywhere(Call::kSync, false, path_); }
TEST_F(FaultTest, LosesNothingWhenARenameOrADeletionFails) {
  FailEverywhere(Call::kRename, false, path_);
}
TEST_F(FaultTest, LosesNothingWhenAFileCannotBeOpened) {
  FailEverywhere(Call::kOpen, false, path_);
}
TEST_F(FaultTest, LosesNothingWhenAReadFails) { FailEverywhere(Call::kRead, false, path_); }
TEST_F(FaultTest, LosesNothingWhenAFolderCannotBeSynced) {
  FailEverywhere(Call::kFolderSync, false, path_);
}

}  // namespace
}  // namespace augstore
