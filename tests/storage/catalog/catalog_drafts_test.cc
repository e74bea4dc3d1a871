#include "storage/catalog/catalog.h"
#include "storage/collections/collection_samples.h"
#include "storage/store/memory_store.h"

#include <algorithm>
#include <thread>

#include "schemas/base/limits.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

using CatalogDraftsTest = CatalogFixture;

TEST_F(CatalogDraftsTest, CommitsAVersionWithItsCounts) {
  SampleChunk test = Samples(10, 3, "test");
  const auto made = Commit(Request("c"), {Samples(0, 10), test, Samples(20, 5)}).value();
  EXPECT_EQ(made.ref(), "c@1");
  EXPECT_EQ(made.record.samples, 18u);
  EXPECT_EQ(made.record.dim, kTestDim);
  EXPECT_EQ(made.record.splits, (std::vector<SplitCount>{{"train", 15}, {"test", 3}}));
  EXPECT_EQ(made.record.source, "a test");
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->record, made.record);
  const SampleChunk samples = catalog_->GetSamples(made.record, 0, 100).value();
  EXPECT_EQ(samples.keys[12], "12");
  EXPECT_EQ(SplitOf(samples, 12), "test");
  EXPECT_EQ(samples.keys[13], "20");
}

TEST_F(CatalogDraftsTest, StartsFromTheLatestVersion) {
  CommitOk("c", Samples(0, 5000));
  SampleChunk changed = Samples(4200, 2);
  changed.labels[0] = {-1, -1};
  SampleChunk added = Samples(0, 1, "test");  // the same key in another split is another sample
  DraftSpec request = Request("c", {"cow", "dog"});
  request.replace_samples = true;
  const auto made = Commit(request, {changed, added, Samples(5000, 3)}).value();
  EXPECT_EQ(made.version, 2u);
  EXPECT_EQ(made.record.labels[0].classes, (std::vector<std::string>{"cat", "dog", "cow"}));
  EXPECT_EQ(made.record.splits, (std::vector<SplitCount>{{"train", 5003}, {"test", 1}}));
  const SampleChunk samples = catalog_->GetSamples(made.record, 0, 10000).value();
  ASSERT_EQ(samples.size(), 5004u);
  EXPECT_EQ(samples.keys[4200], "4200");
  EXPECT_EQ(samples.labels[0][4200], -1);
  EXPECT_EQ(samples.labels[0][4202], 0);
  EXPECT_EQ(SplitOf(samples, 5000), "test");
  EXPECT_EQ(samples.keys[5003], "5002");
}

TEST_F(CatalogDraftsTest, StartsFromNothingWhenItReplaces) {
  CommitOk("c", Samples(0, 5));
  DraftSpec request = Request("c", {"dog"});
  request.start_empty = true;
  request.labels.push_back({"colour", {}});
  SampleChunk chunk = Samples(0, 1);
  chunk.labels.push_back({-1});
  const auto made = Commit(request, {chunk}).value();
  EXPECT_EQ(made.ref(), "c@2");
  EXPECT_EQ(made.record.samples, 1u);
  EXPECT_EQ(made.record.labels[0].classes, std::vector<std::string>{"dog"});
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c@1")->record.samples, 5u);
}

TEST_F(CatalogDraftsTest, GivesTheLatestVersionBackWhenNothingChanged) {
  const auto made = CommitOk("c", Samples(0, 50));
  EXPECT_EQ(CommitOk("c", Samples(0, 50)).record, made.record);
  EXPECT_EQ(CommitOk("c", Samples(20, 10)).record, made.record);
  DraftSpec replace = Request("c");
  replace.start_empty = true;
  EXPECT_EQ(Commit(replace, {Samples(0, 50)})->version, 1u);
  EXPECT_EQ(store_->ListRecords(RecordKind::kCollection, "c")->size(), 1u);
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
}

TEST_F(CatalogDraftsTest, MakesAVersionOfTheSameSamplesInAnotherDtype) {
  const SpaceId small = store_->OpenSpace(backbone_, kTestDim, Dtype::kF16).value();
  AppendOk(store_.get(), small, TestImages(0, 3), TestEmbeddings(3, kTestDim, 1));
  const auto f32 = CommitOk("d", Samples(0, 3));
  DraftSpec replace = Request("d");
  replace.start_empty = true;
  replace.dtype = Dtype::kF16;
  const auto f16 = Commit(replace, {Samples(0, 3)});
  ASSERT_TRUE(f16.ok()) << f16.status().ToString();
  EXPECT_NE(f16->record.digest, f32.record.digest);
  EXPECT_EQ(f16->record.dtype, Dtype::kF16);
  EXPECT_EQ(f16->version, 2u);
}

TEST_F(CatalogDraftsTest, DigestsContentAndNotRowNumbersNorTheBytesOfEmbeddings) {
  const Digest here = CommitOk("c", Samples(0, 40)).record.digest;
  // The same images in another store, backwards and with the last bits of another machine.
  store_ = NewMemoryStore();
  Reopen();
  Matrix embeddings = TestEmbeddings(300, kTestDim, 1);
  embeddings.data()[3] *= 1.0000001f;
  space_ = store_->OpenSpace(backbone_, kTestDim).value();
  std::vector<RowId> rows(40);
  for (size_t i = 40; i-- > 0;) {
    const ContentHash image = TestImage(i);
    ASSERT_TRUE(
        store_->AppendRows(space_, {&image, 1}, embeddings.view().Slice(i, 1), {&rows[i], 1}).ok());
  }
  EXPECT_NE(rows[0], rows_[0]);
  EXPECT_EQ(CommitOk("renamed", Samples(0, 40)).record.digest, here);
}

TEST_F(CatalogDraftsTest, DigestsDoNotDependOnTheCommitsThatLedThere) {
  const auto whole = CommitOk("whole", Samples(0, 9000));
  CommitOk("parts", Samples(0, 10));
  CommitOk("parts", Samples(0, 5000));
  EXPECT_EQ(CommitOk("parts", Samples(4990, 4010)).record.digest, whole.record.digest);
}

TEST_F(CatalogDraftsTest, DigestsEveryPartOfTheContent) {
  const SampleChunk chunk = Samples(0, 4);
  std::vector<Digest> digests = {CommitOk("c", chunk).record.digest};
  std::vector<SampleChunk> others(5, chunk);
  others[0].keys[1] = "x";
  others[1].labels[0][1] = -1;
  others[2].split_names[0] = "test";
  others[3].images[1] = TestImage(9);
  std::swap(others[4].keys[0], others[4].keys[1]);
  for (size_t i = 0; i < others.size(); ++i) {
    digests.push_back(CommitOk("c" + std::to_string(i), others[i]).record.digest);
  }
  digests.push_back(Commit(Request("d", {"cat", "dog", "cow"}), {chunk})->record.digest);
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(std::adjacent_find(digests.begin(), digests.end()), digests.end());
}

TEST_F(CatalogDraftsTest, RefusesDraftsThatCannotBeCommitted) {
  const auto code = [&](const DraftSpec& request) {
    return catalog_->BeginDraft(request).status().code();
  };
  EXPECT_EQ(code(Request("c/d")), Code::kInvalidArgument);
  DraftSpec request = Request("c");
  request.backbone = TestDigest(9);
  EXPECT_EQ(code(request), Code::kNotFound);
  EXPECT_EQ(code(Request("c", {"cat", "cat"})), Code::kInvalidArgument);
  request = Request("c");
  request.labels.push_back(request.labels[0]);
  EXPECT_EQ(code(request), Code::kInvalidArgument);
  request.labels[1].name = "";
  EXPECT_EQ(code(request), Code::kInvalidArgument);
  request.labels.assign(kMaxLabelColumns + 1, {"x", {}});
  EXPECT_EQ(code(request), Code::kInvalidArgument);

  CommitOk("c", Samples(0, 2));
  request = Request("c");
  request.dtype = Dtype::kF16;
  EXPECT_EQ(code(request), Code::kNotFound);
  ASSERT_TRUE(store_->OpenSpace(backbone_, kTestDim, Dtype::kF16).ok());
  EXPECT_EQ(code(request), Code::kFailedPrecondition);
  request.start_empty = true;
  EXPECT_TRUE(catalog_->BeginDraft(request).ok());
  request = Request("c");
  request.labels[0].name = "colour";
  EXPECT_EQ(code(request), Code::kFailedPrecondition);
  ASSERT_TRUE(store_->OpenSpace(TestDigest(2), 4).ok());
  request = Request("c");
  request.backbone = TestDigest(2);
  const Status refused = catalog_->BeginDraft(request).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, TestDigest(1).Hex())) << refused.message();
  EXPECT_TRUE(Mentions(refused, TestDigest(2).Hex())) << refused.message();
}

TEST_F(CatalogDraftsTest, NamesTheSampleThatItRefusesAndKeepsNoneOfTheCall) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(0, 3)).ok());
  std::vector<SampleChunk> bad(7, Samples(10, 4));
  bad[0].labels[0][2] = 2;
  bad[1].labels[0][2] = -2;
  bad[2].images[2] = TestImage(12345);
  bad[3].images[2] = ContentHash();
  bad[4].keys[2] = "1";   // of an earlier call
  bad[5].keys[2] = "11";  // of the same call
  bad[6].splits[2] = 1;
  for (size_t i = 0; i < bad.size(); ++i) {
    const Status refused = catalog_->AppendSamples(draft, bad[i]);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << i;
    EXPECT_TRUE(Mentions(refused, "'" + bad[i].keys[2] + "'")) << refused.message();
  }
  std::vector<SampleChunk> uneven(6, Samples(10, 4));
  uneven[0].keys.pop_back();
  uneven[1].splits.pop_back();
  uneven[2].labels[0].pop_back();
  uneven[3].labels.clear();
  uneven[4].keys[0] = std::string(kMaxKeyBytes + 1, 'x');
  uneven[5].rows = {1, 2, 3, 4};  // the store knows where images are
  for (const SampleChunk& chunk : uneven) {
    EXPECT_EQ(catalog_->AppendSamples(draft, chunk).code(), Code::kInvalidArgument);
  }
  EXPECT_TRUE(catalog_->AppendSamples(draft, Samples(10, 4)).ok());
  EXPECT_EQ(Finish(draft, 7)->record.samples, 7u);
}

TEST_F(CatalogDraftsTest, RefusesTooManySplits) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  SampleChunk chunk = Samples(0, kMaxSplits + 1);
  chunk.split_names.clear();
  for (size_t i = 0; i < chunk.size(); ++i) {
    chunk.split_names.push_back("s" + std::to_string(i));
    chunk.splits[i] = static_cast<uint16_t>(i);
  }
  EXPECT_EQ(catalog_->AppendSamples(draft, chunk).code(), Code::kInvalidArgument);
}

TEST_F(CatalogDraftsTest, RefusesToCommitWhatDidNotArrive) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  EXPECT_EQ(catalog_->CommitDraft(draft, 0).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(0, 3)).ok());
  EXPECT_EQ(catalog_->CommitDraft(draft, 4).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(catalog_->CommitDraft(draft, 3).ok());
}

TEST_F(CatalogDraftsTest, ForgetsAbortedDraftsAndThoseOfAnEarlierProcess) {
  const uint32_t aborted = catalog_->BeginDraft(Request("c"))->draft;
  EXPECT_TRUE(catalog_->AbortDraft(aborted).ok());
  EXPECT_EQ(catalog_->AbortDraft(aborted).code(), Code::kNotFound);
  const uint32_t lost = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(lost, Samples(0, 3)).ok());
  Reopen();
  const uint32_t next = catalog_->BeginDraft(Request("c"))->draft;
  EXPECT_NE(next, lost);
  const Status missing = catalog_->AppendSamples(lost, Samples(3, 3));
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(missing, "run the same command again")) << missing.message();
  EXPECT_TRUE(store_->ListSampleLists()->empty());
}

TEST_F(CatalogDraftsTest, TakesNoDraftFromItsWriterWhenThereAreTooMany) {
  const uint32_t first = catalog_->BeginDraft(Request("c"))->draft;
  for (int i = 1; i < 64; ++i) ASSERT_TRUE(catalog_->BeginDraft(Request("c")).ok());
  EXPECT_EQ(catalog_->BeginDraft(Request("c")).status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(catalog_->AppendSamples(first, Samples(0, 1)).ok());
  EXPECT_TRUE(catalog_->AbortDraft(first).ok());
  EXPECT_TRUE(catalog_->BeginDraft(Request("c")).ok());
}

TEST_F(CatalogDraftsTest, KeepsAllDraftsWithinTheirMemory) {
  catalog_ = Catalog::Open(store_.get(), kDraftStep, /*draft_bytes=*/uint64_t{1} << 20).value();
  const uint32_t first = catalog_->BeginDraft(Request("c"))->draft;
  size_t appended = 0;
  Status refused = OkStatus();
  while (refused.ok()) {
    ASSERT_LT(appended, 100'000u);
    refused = catalog_->AppendSamples(first, Samples(appended, 100));
    if (refused.ok()) appended += 100;
  }
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_TRUE(Mentions(refused, "the limit is 1:")) << refused.message();
  EXPECT_TRUE(Mentions(refused, "a larger --memory")) << refused.message();
  EXPECT_GT(catalog_->draft_memory().taken(), uint64_t{1} << 19);
  const uint32_t second = catalog_->BeginDraft(Request("d"))->draft;
  EXPECT_EQ(catalog_->AppendSamples(second, Samples(0, 100)).code(), Code::kResourceExhausted);
  EXPECT_EQ(Finish(first, appended)->record.samples, appended) << "nothing of it is lost";
  EXPECT_TRUE(catalog_->AppendSamples(second, Samples(0, 100)).ok());
  ASSERT_TRUE(catalog_->AbortDraft(second).ok());
  EXPECT_EQ(catalog_->draft_memory().taken(), 0u);
}

TEST_F(CatalogDraftsTest, AppendsNothingOfACallThatIsRefused) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(0, 3)).ok());
  SampleChunk twice = Samples(5, 2, "a split of its own");
  twice.keys[1] = twice.keys[0];
  EXPECT_EQ(catalog_->AppendSamples(draft, twice).code(), Code::kInvalidArgument);
  const auto made = Finish(draft, 3);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->record.splits.size(), 1u);
}

TEST_F(CatalogDraftsTest, RefusesADraftThatAnotherCommitOvertook) {
  const uint32_t slow = catalog_->BeginDraft(Request("c"))->draft;
  const uint32_t same = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(slow, Samples(0, 3)).ok());
  ASSERT_TRUE(catalog_->AppendSamples(same, Samples(5, 3)).ok());
  CommitOk("c", Samples(5, 3));
  EXPECT_EQ(catalog_->CommitDraft(slow, 3).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Finish(same, 3)->ref(), "c@1");
  EXPECT_EQ(store_->ListSampleLists()->size(), 1u);
}

TEST_F(CatalogDraftsTest, ReplacesNoSampleUnasked) {
  CommitOk("c", Samples(0, 10));
  const SampleChunk same = Samples(0, 2);
  SampleChunk other_row = Samples(2, 1);
  other_row.images[0] = TestImage(100);
  SampleChunk other_label = Samples(3, 4);
  for (int32_t& label : other_label.labels[0]) label = -1;
  const std::vector<SampleChunk> chunks = {same, other_row, other_label, Samples(20, 6)};
  const Status refused = Commit(Request("c"), chunks).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  for (const char* part :
       {"5 samples of 'c@1' would be replaced", "sample '2' of split 'train'", "sample '4'",
        "6 would be added", "2 are there as they are", "--replace-samples"}) {
    EXPECT_TRUE(Mentions(refused, part)) << refused.message();
  }
  EXPECT_FALSE(Mentions(refused, "sample '5'")) << refused.message();
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->version, 1u);

  DraftSpec asked = Request("c");
  asked.replace_samples = true;
  EXPECT_EQ(Commit(asked, chunks)->record.samples, 16u);
  DraftSpec empty = Request("c");
  empty.start_empty = true;
  EXPECT_EQ(Commit(empty, {other_label})->record.samples, 4u);
}

TEST_F(CatalogDraftsTest, SaysWhatItWouldChangeUntilMoreSamplesCome) {
  CommitOk("c", Samples(0, 5000));
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(4090, 10)).ok());
  EXPECT_EQ(Compare(draft)->left, 10u);
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(5000, 7)).ok());
  const DraftChanges changes = Compare(draft).value();
  EXPECT_EQ(changes.left, 10u);
  EXPECT_EQ(changes.added, 7u);
  EXPECT_EQ(changes.replaced, 0u);
  EXPECT_EQ(catalog_->CompareDraft(draft + 1).status().code(), Code::kNotFound);
}

TEST_F(CatalogDraftsTest, CommitsConcurrentDraftsOfOneCollectionOneByOne) {
  std::vector<Code> codes(4, Code::kInternal);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < codes.size(); ++t) {
    threads.emplace_back(
        [&, t] { codes[t] = Commit(Request("c"), {Samples(t, 5)}).status().code(); });
  }
  for (std::thread& thread : threads) thread.join();
  const size_t committed = static_cast<size_t>(std::count(codes.begin(), codes.end(), Code::kOk));
  EXPECT_GE(committed, 1u);
  for (Code code : codes) EXPECT_TRUE(code == Code::kOk || code == Code::kFailedPrecondition);
  EXPECT_EQ(store_->ListSampleLists()->size(),
            store_->ListRecords(RecordKind::kCollection, "c")->size());
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

}  // namespace
}  // namespace augstore
