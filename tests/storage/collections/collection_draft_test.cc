#include "storage/collections/collection_draft.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

TEST(CollectionDraft, CountsItsBytesAmongThoseOfAllDrafts) {
  MemoryBudget all(1000, "drafts");
  std::optional<CollectionDraft> draft(&all);
  {
    const MutexLock lock(draft->mutex);
    EXPECT_TRUE(draft->Reserve(600).ok());
    EXPECT_EQ(draft->Reserve(401).code(), Code::kResourceExhausted);
    EXPECT_TRUE(draft->Reserve(400).ok());
  }
  EXPECT_EQ(all.taken(), 1000u);
  draft.reset();
  EXPECT_EQ(all.taken(), 0u);
}

TEST(CollectionDraft, IsNotIdleWhenItIsNew) {
  MemoryBudget all(1000, "drafts");
  EXPECT_FALSE(CollectionDraft(&all).IsIdle());
}

// Views of samples 0 to 9 of collection "c": images 100 to 119, two of each sample.
class ViewDraftTest : public CatalogFixture {
 protected:
  void SetUp() override {
    CatalogFixture::SetUp();
    CommitOk("c", Samples(0, 10));
  }
  DraftSpec Views(std::vector<ViewSet> sets = {{"rotate(-30..30)", 2, 7}}) {
    DraftSpec spec = Request("c");
    spec.labels.clear();
    spec.views_only = true;
    spec.views = std::move(sets);
    const auto latest = catalog_->Get<CollectionRecord>("c");
    spec.views_of = latest.ok() ? latest->version : 0;
    return spec;
  }
  uint32_t Begin(const DraftSpec& spec) { return catalog_->BeginDraft(spec).value().draft; }
  std::vector<ContentHash> ViewImages(size_t first, size_t samples) {
    return TestImages(100 + 2 * first, 2 * samples);
  }
  Versioned<CollectionRecord> CommitViews() {
    const uint32_t draft = Begin(Views());
    EXPECT_TRUE(catalog_->AppendViews(draft, 0, ViewImages(0, 10)).ok());
    return Finish(draft, 10).value();
  }
  SampleChunk All(const Versioned<CollectionRecord>& of) {
    return catalog_->GetSamples(of.record, 0, 100).value();
  }
};

TEST_F(ViewDraftTest, MakesAVersionOfTheSameSamplesWithTheirViews) {
  const auto before = catalog_->Get<CollectionRecord>("c@1").value();
  const auto made = CommitViews();
  EXPECT_EQ(made.ref(), "c@2");
  EXPECT_EQ(made.record.views, (std::vector<ViewSet>{{"rotate(-30..30)", 2, 7}}));
  EXPECT_EQ(made.record.viewed, 10u);
  EXPECT_EQ(made.record.labels, before.record.labels);
  EXPECT_EQ(made.record.splits, before.record.splits);
  EXPECT_NE(made.record.digest, before.record.digest);
  SampleChunk samples = All(made);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(samples.views[i], rows_[100 + 2 * i]);
    EXPECT_EQ(samples.views[10 + i], rows_[101 + 2 * i]);
  }
  samples.views.clear();
  EXPECT_EQ(samples, All(before)) << "the version before has no views, and all else is the same";
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(ViewDraftTest, TheSameViewsAgainAreTheSameVersion) {
  CommitViews();
  EXPECT_EQ(CommitViews().ref(), "c@2");
}

TEST_F(ViewDraftTest, TakesPartsInOrderAndAPartThatComesAgain) {
  const uint32_t draft = Begin(Views());
  ASSERT_TRUE(catalog_->AppendViews(draft, 0, ViewImages(0, 4)).ok());
  EXPECT_EQ(catalog_->AppendViews(draft, 5, ViewImages(5, 1)).code(), Code::kInvalidArgument);
  ASSERT_TRUE(catalog_->AppendViews(draft, 2, ViewImages(2, 5)).ok());
  ASSERT_TRUE(catalog_->AppendViews(draft, 2, ViewImages(2, 5)).ok());
  const Status early = Finish(draft, 7).status();
  EXPECT_EQ(early.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(early, "7 samples of 10")) << early.message();
  EXPECT_EQ(catalog_->AppendViews(draft, 7, ViewImages(7, 4)).code(), Code::kInvalidArgument);
  ASSERT_TRUE(catalog_->AppendViews(draft, 7, ViewImages(7, 3)).ok());
  EXPECT_EQ(Finish(draft, 9).status().code(), Code::kFailedPrecondition) << "not what was sent";
  const auto made = Finish(draft, 10).value();
  EXPECT_EQ(All(made).views, All(CommitViews()).views);
}

TEST_F(ViewDraftTest, RefusesWhatIsNoDraftOfViews) {
  const uint32_t views = Begin(Views());
  EXPECT_EQ(catalog_->AppendSamples(views, Samples(20, 1)).code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog_->AppendViews(views, 0, TestImages(100, 3)).code(), Code::kInvalidArgument);
  const uint32_t samples = Begin(Request("c"));
  EXPECT_EQ(catalog_->AppendViews(samples, 0, ViewImages(0, 1)).code(), Code::kFailedPrecondition);
  DraftSpec spec = Views();
  spec.collection = "other";
  EXPECT_EQ(catalog_->BeginDraft(spec).status().code(), Code::kNotFound);
  for (const std::vector<ViewSet>& sets : {std::vector<ViewSet>{{"", 1, 0}},
                                           {{"vflip", 0, 0}},
                                           {{"rotate(0..9)", 65, 0}},
                                           {{"vflip", 1, 0}, {"vflip", 1, 0}}}) {
    EXPECT_EQ(catalog_->BeginDraft(Views(sets)).status().code(), Code::kInvalidArgument);
  }
  spec = Views();
  spec.start_empty = true;
  EXPECT_EQ(catalog_->BeginDraft(spec).status().code(), Code::kInvalidArgument);
  spec = Request("c");
  spec.views = {{"vflip", 1, 0}};
  EXPECT_EQ(catalog_->BeginDraft(spec).status().code(), Code::kInvalidArgument);
}

TEST_F(ViewDraftTest, IsOfTheVersionThatItsWriterReadOrRefused) {
  const DraftSpec before = Views();
  CommitOk("c", Samples(10, 1));
  const Status late = catalog_->BeginDraft(before).status();
  EXPECT_EQ(late.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(late, "'c@1', and version 2 is the latest")) << late.message();

  const uint32_t draft = Begin(Views());
  ASSERT_TRUE(catalog_->AppendViews(draft, 0, ViewImages(0, 11)).ok());
  CommitOk("c", Samples(11, 1));
  EXPECT_EQ(Finish(draft, 11).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->version, 3u);
}

TEST_F(ViewDraftTest, TakesItsMemoryWhenItBegins) {
  ASSERT_EQ(catalog_->Get<CollectionRecord>("c")->record.samples, 10u);
  auto little = Catalog::Open(store_.get(), kDraftStep, 200).value();
  EXPECT_EQ(little->BeginDraft(Views({{"rotate(-30..30)", 3, 7}})).status().code(),
            Code::kResourceExhausted);
  EXPECT_TRUE(little->BeginDraft(Views({{"vflip", 1, 0}})).ok());
}

TEST_F(ViewDraftTest, CountsSamplesWithoutAllTheirViews) {
  const uint32_t draft = Begin(Views());
  std::vector<ContentHash> images = ViewImages(0, 10);
  images[5] = TestImage(100000);  // not stored
  ASSERT_TRUE(catalog_->AppendViews(draft, 0, images).ok());
  const auto made = Finish(draft, 10).value();
  EXPECT_EQ(made.record.viewed, 9u);
  EXPECT_EQ(All(made).views[10 + 2], kNoRow);
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(ViewDraftTest, SamplesThatComeLaterAndOnesWithAnotherImageHaveNoViews) {
  CommitViews();
  SampleChunk more = Samples(10, 3);
  SampleChunk other = Samples(4, 1);
  other.images[0] = TestImage(50);
  DraftSpec spec = Request("c");
  spec.replace_samples = true;
  const auto made = Commit(spec, {more, other}).value();
  EXPECT_EQ(made.record.viewed, 9u);
  EXPECT_EQ(made.record.views.size(), 1u);
  const SampleChunk samples = All(made);
  ASSERT_EQ(samples.views.size(), 26u);
  EXPECT_EQ(samples.views[3], rows_[106]);
  EXPECT_EQ(samples.views[4], kNoRow);
  EXPECT_EQ(samples.views[13 + 4], kNoRow);
  EXPECT_EQ(samples.views[12], kNoRow);
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(ViewDraftTest, AVersionWithoutSetsHasNoViews) {
  CommitViews();
  const auto made = Finish(Begin(Views({})), 0).value();
  EXPECT_EQ(made.record.viewed, 0u);
  EXPECT_TRUE(All(made).views.empty());
  EXPECT_EQ(made.record.digest, catalog_->Get<CollectionRecord>("c@1")->record.digest)
      << "it has what the version before the views had";
}

TEST_F(ViewDraftTest, RowsOfViewsAreNamedSoThatGarbageIsNotFoundAmongThem) {
  CommitViews();
  uint64_t run = 0;
  GarbageStep step;
  do {
    step = catalog_->CollectGarbage(&run, {.apply = true, .pairs = true}).value();
  } while (!step.phase.empty());
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

}  // namespace
}  // namespace augstore
