#include "storage/collections/draft_commit.h"

#include <fmt/format.h>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/catalog/catalog_fixture.h"
#include "tests/storage/rocksdb/faulty_files.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

class DraftCommitTest : public CatalogFixture {
 protected:
  // The numbers of the chunks in a list.
  std::vector<uint64_t> ChunksIn(uint32_t list) {
    std::vector<uint64_t> numbers;
    for (uint64_t number = 0; number < 50; ++number) {
      if (store_->ReadSampleChunk({list, number}).ok()) numbers.push_back(number);
    }
    return numbers;
  }
  ChunkTable TableOf(const Versioned<CollectionRecord>& version) {
    return ReadTable(store_.get(), version.record).value();
  }
};

TEST_F(DraftCommitTest, WritesOnlyTheChunksThatChange) {
  const auto first = CommitOk("c", Samples(0, 10 * kSampleChunkRows + 5));
  EXPECT_EQ(first.record.lists, std::vector<uint32_t>{first.record.sample_list});
  EXPECT_EQ(ChunksIn(first.record.sample_list).size(), 11u);

  const auto added = CommitOk("c", Samples(50000, 1));
  EXPECT_EQ(ChunksIn(added.record.sample_list), std::vector<uint64_t>{0});
  EXPECT_EQ(added.record.lists,
            (std::vector<uint32_t>{first.record.sample_list, added.record.sample_list}));

  DraftSpec request = Request("c");
  request.replace_samples = true;
  SampleChunk changed = Samples(3 * kSampleChunkRows + 7, 2);
  changed.labels[0] = {-1, -1};
  const auto replaced = Commit(request, {changed, Samples(60000, 2 * kSampleChunkRows)}).value();
  EXPECT_EQ(ChunksIn(replaced.record.sample_list).size(), 4u) << "one changed, three at the end";
  const ChunkTable before = TableOf(added);
  const ChunkTable after = TableOf(replaced);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(before.lists[i] == after.lists[i], i != 3) << i;
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(DraftCommitTest, ANewClassAloneTakesAllChunksOver) {
  const auto first = CommitOk("c", Samples(0, 5000));
  const auto second = Commit(Request("c", {"cow"}), {Samples(3, 1)}).value();
  EXPECT_EQ(second.version, 2u);
  EXPECT_EQ(second.record.lists, first.record.lists);
  EXPECT_TRUE(ChunksIn(second.record.sample_list).empty());
}

TEST_F(DraftCommitTest, TakesSeveralCallsAndShowsNothingBeforeTheLast) {
  CommitOk("c", Samples(0, 4 * kSampleChunkRows));
  Reopen(std::chrono::milliseconds(0));
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  const size_t samples = 3 * kSampleChunkRows + 10;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(50000, samples)).ok());
  std::vector<std::string> phases;
  for (;;) {
    const CommitOutcome outcome = catalog_->CommitDraft(draft, samples).value();
    const auto* progress = std::get_if<DraftProgress>(&outcome);
    if (progress == nullptr) break;
    EXPECT_LE(progress->done, progress->total);
    phases.push_back(fmt::format("{} {}", progress->phase, progress->done));
    EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->version, 1u);
    EXPECT_TRUE(phases.back().starts_with("compare") ||
                catalog_->AppendSamples(draft, Samples(90000, 1)).code() ==
                    Code::kFailedPrecondition);
  }
  EXPECT_EQ(phases, (std::vector<std::string>{"compare 0", "compare 1", "compare 2", "compare 3",
                                              "write 1", "write 2", "write 3"}));
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->record.samples, 4 * kSampleChunkRows + samples);
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(DraftCommitTest, ARepeatedCommitReturnsTheVersionThatWasMade) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(0, 3)).ok());
  const auto made = Finish(draft, 3).value();
  CommitOk("c", Samples(5, 3));
  EXPECT_EQ(Finish(draft, 3)->record, made.record);
  EXPECT_EQ(Finish(draft, 3)->ref(), "c@1");
  EXPECT_EQ(catalog_->CompareDraft(draft).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog_->AppendSamples(draft, Samples(9, 1)).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  EXPECT_EQ(Finish(draft, 3).status().code(), Code::kNotFound);
}

TEST_F(DraftCommitTest, RemembersWhatWasMadeAndStillHasRoomForNewDrafts) {
  for (size_t i = 0; i < 200; ++i) {
    const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
    ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(i, 1)).ok());
    ASSERT_TRUE(Finish(draft, 1).ok());
    ASSERT_TRUE(Finish(draft, 1).ok()) << "the reply was lost";
  }
}

TEST_F(DraftCommitTest, AnAbortedCommitLeavesNothing) {
  Reopen(std::chrono::milliseconds(0));
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  const size_t samples = 30 * kSampleChunkRows;  // enough that chunks are written before the end
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(i * samples / 3, samples / 3)).ok());
  }
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(catalog_->CommitDraft(draft, samples).ok());
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
  ASSERT_TRUE(catalog_->AbortDraft(draft).ok());
  EXPECT_TRUE(store_->ListSampleLists()->empty());
}

TEST_F(DraftCommitTest, OfTwoDraftsTheSecondIsRefusedAndTheSameContentIsNot) {
  Reopen(std::chrono::milliseconds(0));
  const size_t count = 2 * kSampleChunkRows;
  std::vector<uint32_t> drafts;
  for (const size_t first : {0, 0, 90000}) {
    drafts.push_back(catalog_->BeginDraft(Request("c"))->draft);
    ASSERT_TRUE(catalog_->AppendSamples(drafts.back(), Samples(first, count)).ok());
  }
  for (const uint32_t draft : drafts) {  // all are half done
    ASSERT_TRUE(std::holds_alternative<DraftProgress>(catalog_->CommitDraft(draft, count).value()));
  }
  EXPECT_EQ(Finish(drafts[0], count)->ref(), "c@1");
  EXPECT_EQ(Finish(drafts[1], count)->ref(), "c@1");
  EXPECT_EQ(Finish(drafts[2], count).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
}

// A catalog on a store in a folder, whose files fail.
struct OnFiles {
  explicit OnFiles(const std::string& path) {
    store = RocksDbStore::Open(path, {.memory_budget_bytes = 1u << 20}, env.get()).value();
    catalog = Catalog::Open(store.get(), std::chrono::milliseconds(0)).value();
  }
  std::shared_ptr<FaultyFiles> files = std::make_shared<FaultyFiles>();
  std::unique_ptr<rocksdb::Env> env = FaultyEnv(files);
  std::unique_ptr<Store> store;
  std::unique_ptr<Catalog> catalog;
};

class InterruptedCommitTest : public DraftCommitTest {
 protected:
  static constexpr size_t kBase = 2 * kSampleChunkRows + 100;
  static constexpr size_t kAdded = 15 * kSampleChunkRows;  // two writes of chunks

  // A store with "c@1". Returns a draft that adds to it.
  uint32_t Prepare(OnFiles& on) {
    const SpaceId space = on.store->OpenSpace(backbone_, kTestDim).value();
    AppendOk(on.store.get(), space, TestImages(0, 300), TestEmbeddings(300, kTestDim, 1));
    const uint32_t base = Begin(on, 0, kBase);
    while (std::holds_alternative<DraftProgress>(on.catalog->CommitDraft(base, kBase).value())) {
    }
    return Begin(on, 100000, kAdded);
  }
  uint32_t Begin(OnFiles& on, size_t first, size_t count) {
    const uint32_t draft = on.catalog->BeginDraft(Request("c"))->draft;
    for (size_t begin = 0; begin < count; begin += kSampleChunkRows) {
      const size_t some = std::min<size_t>(kSampleChunkRows, count - begin);
      EXPECT_TRUE(on.catalog->AppendSamples(draft, Samples(first + begin, some)).ok());
    }
    return draft;
  }
  // The store is opened again: a version is whole or absent, and nothing else is left.
  void ExpectSound(const std::string& path, const std::string& what, bool made) {
    OnFiles again(path);
    const auto latest = again.catalog->Get<CollectionRecord>("c");
    ASSERT_TRUE(latest.ok()) << what << latest.status().ToString();
    EXPECT_TRUE(!made || latest->version == 2) << what;
    EXPECT_EQ(latest->record.samples, latest->version == 1 ? kBase : kBase + kAdded) << what;
    EXPECT_EQ(again.store->ListSampleLists()->size(), latest->version) << what;
    EXPECT_EQ(VerifyAll(again.catalog.get()), std::vector<std::string>()) << what;
  }
};

TEST_F(InterruptedCommitTest, AVersionIsWholeOrAbsentWhereverThePowerIsCut) {
  for (int steps = 0;; steps += 6) {
    const TempDir folder;
    const std::string path = folder.path() + "/store";
    const std::string what = fmt::format("after {} calls: ", steps);
    bool made = false;
    {
      OnFiles on(path);
      const uint32_t draft = Prepare(on);
      for (int i = 0; i < steps && !made; ++i) {
        const auto outcome = on.catalog->CommitDraft(draft, kAdded);
        ASSERT_TRUE(outcome.ok()) << what << outcome.status().ToString();
        made = std::holds_alternative<Versioned<CollectionRecord>>(*outcome);
      }
      on.files->CutPower();
      on.catalog.reset();
      on.store.reset();
      on.files->LoseUnsynced();
    }
    ExpectSound(path, what, made);
    if (made) return;
  }
}

TEST_F(InterruptedCommitTest, AFailedWriteMakesNoVersion) {
  for (uint64_t number = 1; number < 8; ++number) {
    const TempDir folder;
    const std::string path = folder.path() + "/store";
    const std::string what = fmt::format("write {}: ", number);
    bool made = false;
    {
      OnFiles on(path);
      const uint32_t draft = Prepare(on);
      on.files->FailAt(FaultyFiles::Call::kSync, number, false);
      Status failed;
      while (failed.ok() && !made) {
        const auto outcome = on.catalog->CommitDraft(draft, kAdded);
        failed = outcome.status();
        made = outcome.ok() && std::holds_alternative<Versioned<CollectionRecord>>(*outcome);
      }
      EXPECT_NE(failed.ok(), on.files->calls() >= number) << what << failed.ToString();
    }
    ExpectSound(path, what, made);
  }
}

}  // namespace
}  // namespace augstore
