// The n-th allocation fails, for n = 1 until none does: in serving, appending and committing.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "tests/faults/failing_new.h"
#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

constexpr uint64_t kManyAllocations = 1'000'000;  // more than any request makes

// The bodies of all replies, one after the other; nothing when there was no memory for a reply.
std::optional<std::string> BodiesOf(Service& service, const Frame& request) {
  try {
    std::string bodies;
    const std::unique_ptr<ReplySource> source = service.Start(request, Owner(0, "test"));
    while (std::optional<Frame> frame = source->Next()) {
      if (frame->type == MessageType::kErrorReply) {
        return FromFrame<EndReply>(*frame).status().ToString();
      }
      bodies += frame->body.text();
    }
    return bodies;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

// What a request that ran out of memory may be answered with.
bool IsNoMemory(const std::optional<std::string>& said) {
  return !said.has_value() || said->starts_with("ResourceExhausted");
}

// Runs `attempt` with the n-th allocation failing, for n = 1 until none fails; then `check`.
void ForEachAllocation(const std::function<void()>& attempt, const std::function<void()>& check) {
  for (const auto kind : {FailingNew::Kind::kOne, FailingNew::Kind::kFrom}) {
    for (uint64_t n = 1; n < kManyAllocations; ++n) {
      bool has_failed = false;
      {
        const FailingNew failing(kind, n);
        attempt();
        has_failed = FailingNew::HasFailed();
      }
      check();
      if (!has_failed) break;
      if (testing::Test::HasFailure()) FAIL() << "the allocation was number " << n;
    }
  }
}

std::vector<std::string> ProblemsOf(Catalog& catalog) {
  std::vector<std::string> problems;
  std::string cursor;
  do {
    const VerifyStep step = catalog.Verify(cursor).value();
    problems.insert(problems.end(), step.problems.begin(), step.problems.end());
    cursor = step.cursor;
  } while (!cursor.empty());
  return problems;
}

class MemoryTest : public testing::Test {
 protected:
  // The request is answered as ever, or by an error, and afterwards as ever.
  void ExpectRightOrRefused(const Frame& request) {
    const std::string whole = BodiesOf(service_, request).value();
    ASSERT_FALSE(whole.starts_with("ResourceExhausted")) << whole;
    std::optional<std::string> said;
    ForEachAllocation([&] { said = BodiesOf(service_, request); },
                      [&] {
                        EXPECT_TRUE(said == whole || IsNoMemory(said)) << *said;
                        EXPECT_EQ(BodiesOf(service_, request), whole);
                      });
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {.address = "test", .batch_cache_bytes = 0}};
};

TEST_F(MemoryTest, AnswersQueriesRightOrNotAtAll) {
  ExpectRightOrRefused(ToFrame(QueryRequest{"toy", {1, 999, 5}, "identity", ""}));
  ExpectRightOrRefused(ToFrame(QueryRequest{"toy", {1, 999, 5}, "double>shift@1", ""}));
  ExpectRightOrRefused(ToFrame(ReadRowsRequest{TestBackbone(), {3, 4, 900}}));
}

TEST_F(MemoryTest, AnswersStreamsRightOrNotAtAll) {
  const OpenStreamRequest open{
      {.collection = "toy", .policy = "identity:2,double:1,shift@2:1", .batch_size = 300}};
  ExpectRightOrRefused(ToFrame(open));
  const auto stream = Ask<StreamReply>(service_, open);
  ASSERT_TRUE(stream.ok());
  ExpectRightOrRefused(ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 3}));
}

TEST_F(MemoryTest, AnswersTheRegistryRightOrNotAtAll) {
  ExpectRightOrRefused(ToFrame(GetRecordRequest{RecordKind::kTransform, "shift@2", true}));
  ExpectRightOrRefused(ToFrame(ListRecordsRequest{RecordKind::kTransform, ""}));
  ExpectRightOrRefused(ToFrame(GetSamplesRequest{"toy", 0, 100}));
  ExpectRightOrRefused(ToFrame(FindImagesRequest{TestBackbone(), {TestImage(3), TestImage(5000)}}));
  ExpectRightOrRefused(ToFrame(VerifyRequest{""}));
}

TEST_F(MemoryTest, AppendsRowsWholeOrNotAtAll) {
  uint64_t next = kTestSamples;  // the first image that is not stored
  AppendRowsRequest request;
  std::optional<std::string> said;
  const auto prepare = [&] {
    request = {.backbone = TestBackbone(),
               .images = {},
               .embeddings = TestEmbeddings(next, 3),
               .feature_maps = {}};
    for (uint64_t i = 0; i < 3; ++i) request.images.push_back(TestImage(next + i));
  };
  prepare();
  Frame frame = ToFrame(request);
  ForEachAllocation(
      [&] { said = BodiesOf(service_, frame); },
      [&] {
        const auto again = Ask<RowIdsReply>(service_, request);
        ASSERT_TRUE(again.ok()) << Text(again);
        const auto rows = AskForBatch(service_, ReadRowsRequest{TestBackbone(), again->rows});
        ASSERT_TRUE(rows.ok()) << Text(rows);
        EXPECT_EQ(rows->embeddings.row(2)[1], TestValue(next + 2, 1));
        next += 3;
        prepare();
        frame = ToFrame(request);
      });
  EXPECT_EQ(ProblemsOf(*filled_.catalog), std::vector<std::string>());
}

TEST_F(MemoryTest, KeepsADraftAsItWasWhenAppendingToItFails) {
  const auto draft = Ask<DraftReply>(
      service_, BeginDraftRequest{"fresh", TestBackbone(), TestLabels(), true, "test"});
  ASSERT_TRUE(draft.ok()) << Text(draft);
  uint64_t count = 0;
  const auto next = [&] {
    SampleChunk chunk;
    chunk.images = {TestImage(count), TestImage(count + 1)};
    chunk.split_names = {"train", fmt::format("split{}", count % 7)};
    chunk.splits = {0, 1};
    chunk.labels = {{1, 2}};
    chunk.keys = {fmt::format("a{}", count), fmt::format("b{}", count)};
    return AppendSamplesRequest{draft->draft, chunk};
  };
  Frame frame = ToFrame(next());
  std::optional<std::string> said;
  ForEachAllocation([&] { said = BodiesOf(service_, frame); },
                    [&] {
                      if (IsNoMemory(said)) {
                        // A lost reply: the samples are in the draft, or they are not.
                        const auto again = Ask<EndReply>(service_, next());
                        EXPECT_TRUE(again.ok() || again.status().code() == Code::kInvalidArgument)
                            << Text(again);
                      }
                      count += 2;
                      ASSERT_LT(count, kTestSamples);
                      frame = ToFrame(next());
                    });
  const auto made = Ask<RecordReply>(service_, CommitDraftRequest{draft->draft, count});
  ASSERT_TRUE(made.ok()) << Text(made);
  EXPECT_EQ(Decode<CollectionRecord>(made->record)->samples, count);
  EXPECT_EQ(ProblemsOf(*filled_.catalog), std::vector<std::string>());
}

TEST_F(MemoryTest, CommitsAVersionOnceOrNotAtAll) {
  uint32_t versions = 0;
  uint32_t draft = 0;
  const auto prepare = [&] {
    const auto opened = Ask<DraftReply>(
        service_,
        BeginDraftRequest{"fresh", TestBackbone(), TestLabels(), true, "test", Dtype::kF32, true});
    ASSERT_TRUE(opened.ok()) << Text(opened);
    draft = opened->draft;
    SampleChunk chunk = TestSamples({versions, 1, 2, 3});
    ASSERT_TRUE(Ask<EndReply>(service_, AppendSamplesRequest{draft, chunk}).ok());
  };
  prepare();
  Frame frame = ToFrame(CommitDraftRequest{draft, 4});
  std::optional<std::string> said;
  ForEachAllocation([&] { said = BodiesOf(service_, frame); },
                    [&] {
                      // Again, as a client does that got no answer: the draft is gone once the
                      // version is there.
                      const auto again = Ask<RecordReply>(service_, CommitDraftRequest{draft, 4});
                      EXPECT_TRUE(again.ok() || again.status().code() == Code::kNotFound)
                          << Text(again);
                      ++versions;
                      // Numbers may be left out, where one was taken and memory ran out then.
                      const auto made = Ask<RecordListReply>(
                          service_, ListRecordsRequest{RecordKind::kCollection, "fresh"});
                      ASSERT_TRUE(made.ok()) << Text(made);
                      ASSERT_EQ(made->records.size(), versions);
                      EXPECT_EQ(Decode<CollectionRecord>(made->records.back().record)->samples, 4u);
                      prepare();
                      frame = ToFrame(CommitDraftRequest{draft, 4});
                    });
  EXPECT_EQ(ProblemsOf(*filled_.catalog), std::vector<std::string>());
}

TEST_F(MemoryTest, CommitsViewsOfAllSamplesOrNone) {
  constexpr uint64_t kSamples = 4;
  const auto samples = Ask<DraftReply>(
      service_, BeginDraftRequest{"few", TestBackbone(), TestLabels(), true, "test"});
  ASSERT_TRUE(samples.ok()) << Text(samples);
  ASSERT_TRUE(
      Ask<EndReply>(service_, AppendSamplesRequest{samples->draft, TestSamples({0, 1, 2, 3})})
          .ok());
  ASSERT_TRUE(Ask<RecordReply>(service_, CommitDraftRequest{samples->draft, kSamples}).ok());
  uint32_t version = 1;
  uint64_t seed = 0;
  uint32_t draft = 0;
  const auto append = [&] {  // two views of each sample
    AppendViewsRequest request{draft, 0, {}};
    for (uint64_t i = 0; i < 2 * kSamples; ++i) request.images.push_back(TestImage(100 + i));
    return ToFrame(request);
  };
  Frame frame;
  Frame commit;
  const auto prepare = [&] {
    BeginDraftRequest begin;
    begin.collection = "few";
    begin.backbone = TestBackbone();
    begin.views_only = true;
    begin.views = {{"rotate(-30..30)", 2, ++seed}};
    begin.views_of = version;
    const auto opened = Ask<DraftReply>(service_, begin);
    ASSERT_TRUE(opened.ok()) << Text(opened);
    draft = opened->draft;
    frame = append();
    commit = ToFrame(CommitDraftRequest{draft, kSamples});
  };
  std::optional<std::string> said;
  bool appended = false;
  const auto commit_is_whole = [&] {
    if (!appended) {  // a lost reply: what came may come again
      const auto again = Ask<EndReply>(service_, FromFrame<AppendViewsRequest>(append()).value());
      EXPECT_TRUE(again.ok()) << Text(again);
    }
    if (IsNoMemory(said)) {
      const auto made = Ask<RecordReply>(service_, CommitDraftRequest{draft, kSamples});
      EXPECT_TRUE(made.ok() || made.status().code() == Code::kNotFound) << Text(made);
    }
    const auto latest = filled_.catalog->Get<CollectionRecord>("few");
    ASSERT_TRUE(latest.ok()) << Text(latest);
    EXPECT_EQ(latest->record.viewed, kSamples);
    EXPECT_EQ(latest->record.views.at(0).seed, seed);
    version = latest->version;
    prepare();
  };
  prepare();
  ForEachAllocation(
      [&] {
        said = BodiesOf(service_, frame);
        appended = !IsNoMemory(said);
        if (appended) said = BodiesOf(service_, commit);
      },
      commit_is_whole);
  EXPECT_GT(seed, 10u) << "hardly an allocation failed";
  EXPECT_EQ(ProblemsOf(*filled_.catalog), std::vector<std::string>());
}

}  // namespace
}  // namespace augstore
