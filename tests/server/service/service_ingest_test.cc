#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schemas/base/digest.h"
#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServiceIngestTest : public ::testing::Test {
 protected:
  Result<RowIdsReply> Append(const Digest& backbone, uint64_t begin, uint64_t count) {
    AppendRowsRequest request{backbone, {}, TestEmbeddings(begin, count), {}};
    for (uint64_t i = 0; i < count; ++i) request.images.push_back(TestImage(begin + i));
    return Ask<RowIdsReply>(service_, request);
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
};

TEST_F(ServiceIngestTest, FindsNothingWhereNoSpaceIs) {
  const auto found =
      Ask<RowIdsReply>(service_, FindImagesRequest{Digest(), {TestImage(1), TestImage(2)}});
  ASSERT_TRUE(found.ok()) << Text(found);
  EXPECT_THAT(found->rows, ElementsAre(kNoRow, kNoRow));
}

TEST_F(ServiceIngestTest, FindsTheRowsThatWereAppended) {
  const auto appended = Append(TestBackbone(), 5000, 3);
  ASSERT_TRUE(appended.ok()) << Text(appended);
  const auto found = Ask<RowIdsReply>(
      service_,
      FindImagesRequest{TestBackbone(), {TestImage(5002), TestImage(9999), TestImage(5000)}});
  EXPECT_THAT(found->rows, ElementsAre(appended->rows[2], kNoRow, appended->rows[0]));
}

TEST_F(ServiceIngestTest, KeepsTheRowOfAnImageThatIsStored) {
  const auto again = Append(TestBackbone(), 10, 2);
  ASSERT_TRUE(again.ok()) << Text(again);
  const auto found =
      Ask<RowIdsReply>(service_, FindImagesRequest{TestBackbone(), {TestImage(10), TestImage(11)}});
  EXPECT_EQ(found->rows, again->rows);
}

TEST_F(ServiceIngestTest, HashesTheEmbeddingsThatComeWithoutHashes) {
  AppendRowsRequest request{TestBackbone(), {}, TestEmbeddings(5000, 3), {}};
  const auto appended = Ask<RowIdsReply>(service_, request);
  ASSERT_TRUE(appended.ok()) << Text(appended);
  EXPECT_EQ(Ask<RowIdsReply>(service_, request)->rows, appended->rows);
  const auto row = request.embeddings.row(2);
  request.images = {HashContent({reinterpret_cast<const uint8_t*>(row.data()), row.size_bytes()})};
  request.embeddings = TestEmbeddings(5002, 1);
  const auto same = Ask<RowIdsReply>(service_, request);  // as `augstore import` names the row
  ASSERT_TRUE(same.ok()) << Text(same);
  EXPECT_THAT(same->rows, ElementsAre(appended->rows[2]));
}

TEST_F(ServiceIngestTest, RefusesFeatureMapsWithoutHashes) {
  AppendRowsRequest request{TestBackbone(), {}, TestEmbeddings(5000, 2), {}};
  request.feature_maps = QuantizeRows(TestFeatureMaps(5000, 2).view());
  const auto refused = Ask<RowIdsReply>(service_, request);
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("send one hash per embedding"));
}

TEST_F(ServiceIngestTest, OpensASpaceForANewBackbone) {
  Digest other = TestBackbone();
  other.bytes[0] = 1;
  ASSERT_TRUE(Append(other, 0, 2).ok());
  EXPECT_EQ(filled_.store->FindSpace(other)->rows, 2u);
}

TEST_F(ServiceIngestTest, KeepsWhatIsStoredInAnotherDtypeApart) {
  AppendRowsRequest append{TestBackbone(), {TestImage(10)}, TestEmbeddings(10, 1), {}, Dtype::kU8};
  const auto appended = Ask<RowIdsReply>(service_, append);
  ASSERT_TRUE(appended.ok()) << Text(appended);
  FindImagesRequest find{TestBackbone(), {TestImage(10), TestImage(11)}, Dtype::kU8};
  const auto found = Ask<RowIdsReply>(service_, find);
  ASSERT_TRUE(found.ok()) << Text(found);
  EXPECT_THAT(found->rows, ElementsAre(appended->rows[0], kNoRow));
  const auto batch = AskForBatch(
      service_, ReadRowsRequest{TestBackbone(), {appended->rows[0]}, false, Dtype::kU8});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  EXPECT_NEAR(batch->embeddings.row(0)[2], TestValue(10, 2), 0.15);
  const ReadRowsRequest none{TestBackbone(), {0}, false, Dtype::kF16};
  EXPECT_EQ(AskForBatch(service_, none).status().code(), Code::kNotFound);
}

TEST_F(ServiceIngestTest, RefusesEmbeddingsThatDoNotFitTheBackbone) {
  AppendRowsRequest request{TestBackbone(), {TestImage(1)}, Matrix(1, kTestDim + 1), {}};
  std::fill_n(request.embeddings.data(), kTestDim + 1, 1.0f);
  const auto appended = Ask<RowIdsReply>(service_, request);
  EXPECT_EQ(appended.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(appended.status().message(), HasSubstr("phi@1"));
}

TEST_F(ServiceIngestTest, RefusesMoreRowsThanTheLimit) {
  const FindImagesRequest find{TestBackbone(), std::vector<ContentHash>(kMaxBatchRows + 1)};
  EXPECT_EQ(Ask<RowIdsReply>(service_, find).status().code(), Code::kInvalidArgument);
  const ReadRowsRequest read{TestBackbone(), std::vector<RowId>(kMaxBatchRows + 1)};
  EXPECT_EQ(AskForBatch(service_, read).status().code(), Code::kInvalidArgument);
}

TEST_F(ServiceIngestTest, ReadsRowsInTheOrderAsked) {
  const auto batch = AskForBatch(service_, ReadRowsRequest{TestBackbone(), {7, 3, 7}});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  EXPECT_THAT(batch->samples, ElementsAre(7, 3, 7));
  EXPECT_THAT(batch->labels, ElementsAre(-1, -1, -1));
  EXPECT_THAT(batch->chains, ElementsAre(0, 0, 0));
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(batch->embeddings.row(i)[2], TestValue(batch->samples[i], 2));
}

TEST_F(ServiceIngestTest, StoresAndReadsFeatureMaps) {
  AppendRowsRequest request{TestBackbone(), {}, TestEmbeddings(5000, 2), {}};
  request.images = {TestImage(5000), TestImage(5001)};
  request.feature_maps = QuantizeRows(TestFeatureMaps(5000, 2).view());
  const auto appended = Ask<RowIdsReply>(service_, request);
  ASSERT_TRUE(appended.ok()) << Text(appended);
  const auto batch =
      AskForBatch(service_, ReadRowsRequest{TestBackbone(), {appended->rows[1], 3}, true});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  ASSERT_EQ(batch->embeddings.cols, kTestMap.values());
  for (size_t v = 0; v < kTestMap.values(); ++v) {
    EXPECT_EQ(batch->embeddings.row(0)[v], TestFeatureMapValue(5001, v));
    EXPECT_EQ(batch->embeddings.row(1)[v], TestFeatureMapValue(3, v));
  }
}

TEST_F(ServiceIngestTest, RefusesFeatureMapsOfAnotherSizeAndSaysWhenThereAreNone) {
  AppendRowsRequest request{TestBackbone(), {TestImage(5000)}, TestEmbeddings(5000, 1), {}};
  request.feature_maps = QuantizeRows(TestEmbeddings(0, 1).view());
  const auto refused = Ask<RowIdsReply>(service_, request);
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("8 values for backbone 'phi@1'"));
  const auto appended = Append(TestBackbone(), 6000, 1);
  ASSERT_TRUE(appended.ok()) << Text(appended);
  const auto without =
      AskForBatch(service_, ReadRowsRequest{TestBackbone(), {appended->rows[0]}, true});
  EXPECT_EQ(without.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(without.status().message(), HasSubstr("without a feature map"));
}

TEST_F(ServiceIngestTest, NamesTheRowThatWasNeverWritten) {
  const auto batch = AskForBatch(service_, ReadRowsRequest{TestBackbone(), {1, 123456789}});
  EXPECT_EQ(batch.status().code(), Code::kNotFound);
  EXPECT_THAT(batch.status().message(), HasSubstr("123456789"));
}

TEST_F(ServiceIngestTest, WritesACollectionThroughADraft) {
  const auto draft = Ask<DraftReply>(
      service_, BeginDraftRequest{"new", TestBackbone(), TestLabels(), false, "here"});
  ASSERT_TRUE(draft.ok()) << Text(draft);
  ASSERT_TRUE(
      Ask<EndReply>(service_, AppendSamplesRequest{draft->draft, TestSamples({1, 2, 3})}).ok());
  const auto committed = Ask<RecordReply>(service_, CommitDraftRequest{draft->draft, 3});
  ASSERT_TRUE(committed.ok()) << Text(committed);
  EXPECT_EQ(committed->name, "new");
  EXPECT_EQ(committed->version, 1u);
  EXPECT_EQ(Decode<CollectionRecord>(committed->record)->samples, 3u);
}

TEST_F(ServiceIngestTest, SaysWhatADraftWouldChangeAndRefusesToReplaceUnasked) {
  BeginDraftRequest begin{"toy", TestBackbone(), TestLabels(), false, "here"};
  SampleChunk samples = TestSamples({0, 1, 2});
  samples.labels[0][1] = -1;
  samples.keys[2] = "another";
  const auto draft = Ask<DraftReply>(service_, begin);
  ASSERT_TRUE(Ask<EndReply>(service_, AppendSamplesRequest{draft->draft, samples}).ok());
  const auto changes = Ask<DraftChangesReply>(service_, CompareDraftRequest{draft->draft});
  ASSERT_TRUE(changes.ok()) << Text(changes);
  EXPECT_EQ(changes->added, 1u);
  EXPECT_EQ(changes->replaced, 1u);
  EXPECT_EQ(changes->left, 1u);
  const auto refused = Ask<RecordReply>(service_, CommitDraftRequest{draft->draft, 3});
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("--replace-samples"));
  begin.replace_samples = true;
  const auto allowed = Ask<DraftReply>(service_, begin);
  ASSERT_TRUE(Ask<EndReply>(service_, AppendSamplesRequest{allowed->draft, samples}).ok());
  EXPECT_EQ(Ask<RecordReply>(service_, CommitDraftRequest{allowed->draft, 3})->version, 2u);
}

TEST_F(ServiceIngestTest, ForgetsAnAbortedDraft) {
  const auto draft =
      Ask<DraftReply>(service_, BeginDraftRequest{"new", TestBackbone(), TestLabels(), false, ""});
  ASSERT_TRUE(draft.ok()) << Text(draft);
  ASSERT_TRUE(Ask<EndReply>(service_, AbortDraftRequest{draft->draft}).ok());
  const auto late = Ask<EndReply>(service_, AppendSamplesRequest{draft->draft, TestSamples({1})});
  EXPECT_EQ(late.status().code(), Code::kNotFound);
}

TEST_F(ServiceIngestTest, RefusesACommitThatCountsDifferently) {
  const auto draft =
      Ask<DraftReply>(service_, BeginDraftRequest{"new", TestBackbone(), TestLabels(), false, ""});
  ASSERT_TRUE(Ask<EndReply>(service_, AppendSamplesRequest{draft->draft, TestSamples({1})}).ok());
  EXPECT_EQ(Ask<RecordReply>(service_, CommitDraftRequest{draft->draft, 2}).status().code(),
            Code::kFailedPrecondition);
}

TEST_F(ServiceIngestTest, GivesSamplesInPieces) {
  const auto reply = Ask<SamplesReply>(service_, GetSamplesRequest{"toy@1", 798, 4});
  ASSERT_TRUE(reply.ok()) << Text(reply);
  EXPECT_THAT(reply->samples.keys,
              ElementsAre("image798.png", "image799.png", "image800.png", "image801.png"));
  const auto end = Ask<SamplesReply>(service_, GetSamplesRequest{"toy@1", kTestSamples - 1, 100});
  EXPECT_EQ(end->samples.size(), 1u);
}

TEST_F(ServiceIngestTest, RefusesTooManySamplesAtOnce) {
  const auto reply = Ask<SamplesReply>(service_, GetSamplesRequest{"toy", 0, kSampleChunkRows + 1});
  EXPECT_EQ(reply.status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
