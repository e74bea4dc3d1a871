#include "server/service/service_browse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServiceBrowseTest : public ::testing::Test {
 protected:
  std::vector<std::string> Names(const BrowseRequest& request, uint64_t* all = nullptr,
                                 const std::string& scope = "") {
    const auto caller =
        std::make_shared<Principal>(Principal{"key k", "test", Role::kRead, scope, nullptr});
    const auto reply =
        FromFrame<RecordListReply>(Replies(service_, ToFrame(request), caller).at(0));
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    std::vector<std::string> names;
    for (const RecordReply& record : reply->records) {
      names.push_back(record.name + "@" + std::to_string(record.version));
    }
    if (all != nullptr) *all = reply->names;
    return names;
  }
  template <typename Request>
  Json Describe(const Request& request) {
    const auto reply = Ask<JsonReply>(service_, request);
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? Json::parse(reply->json) : Json();
  }
  // toy@2: without the first sample, another label of the second, another image of the third, and
  // one that is new.
  void AddSecondVersion() {
    Catalog& catalog = *filled_.catalog;
    const OpenDraft draft =
        catalog.BeginDraft({"toy", TestBackbone(), TestLabels(), true, "test", Dtype::kF32, true})
            .value();
    std::vector<uint64_t> numbers(kTestSamples + 1);
    std::iota(numbers.begin(), numbers.end(), uint64_t{0});
    numbers[2] = 7;
    numbers[kTestSamples] = 8;
    SampleChunk chunk = TestSamples(numbers);
    chunk.labels[0][1] = 5;
    chunk.keys[0] = "another.png";
    ASSERT_TRUE(catalog.AppendSamples(draft.draft, chunk).ok());
    const auto committed = catalog.CommitDraft(draft.draft, chunk.size());
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
};

TEST_F(ServiceBrowseTest, ListsTheLatestVersionOfEachNameAPageAtATime) {
  uint64_t all = 0;
  EXPECT_THAT(Names({RecordKind::kTransform}, &all), ElementsAre("double@1", "shift@2"));
  EXPECT_EQ(all, 2u);
  EXPECT_THAT(Names({RecordKind::kTransform, "", "", 1}, &all), ElementsAre("double@1"));
  EXPECT_EQ(all, 2u) << "whatever the page";
  EXPECT_THAT(Names({RecordKind::kTransform, "", "double", 1}), ElementsAre("shift@2"));
  EXPECT_THAT(Names({RecordKind::kTransform, "", "shift"}), ElementsAre());
  EXPECT_THAT(Names({RecordKind::kTransform, "OUB"}, &all), ElementsAre("double@1"));
  EXPECT_EQ(all, 1u);
}

TEST_F(ServiceBrowseTest, ListsCollectionsOfTheScopeAndNothingInternal) {
  uint64_t all = 0;
  EXPECT_THAT(Names({RecordKind::kCollection}), ElementsAre("toy@1"));
  EXPECT_THAT(Names({RecordKind::kCollection}, &all, "photos"), ElementsAre());
  EXPECT_EQ(all, 0u);
  for (const RecordKind kind : {RecordKind::kKey, RecordKind::kAliases, RecordKind::kDraft}) {
    EXPECT_EQ(Ask<RecordListReply>(service_, BrowseRequest{kind}).status().code(),
              Code::kInvalidArgument);
  }
}

TEST_F(ServiceBrowseTest, CountsSamplesOfEachSplitAndClass) {
  const Json json = Describe(DescribeCollectionRequest{"toy", ""});
  EXPECT_EQ(json["collection"], "toy@1");
  EXPECT_EQ(json["samples"], kTestSamples);
  EXPECT_EQ(json["columns"][0]["name"], "label");
  EXPECT_EQ(json["splits"][0]["name"], "train");
  EXPECT_EQ(json["splits"][0]["samples"], kTestTrain);
  EXPECT_EQ(json["splits"][1]["classes"][3], (kTestSamples - kTestTrain) / kTestClasses);
  EXPECT_EQ(json["splits"][1]["unlabelled"], 0);
  EXPECT_FALSE(json.contains("diff"));
}

TEST_F(ServiceBrowseTest, SaysHowTwoVersionsDiffer) {
  AddSecondVersion();
  const Json diff = Describe(DescribeCollectionRequest{"toy@2", "toy@1"})["diff"];
  EXPECT_EQ(diff["other"], "toy@1");
  EXPECT_EQ(diff["added"], 2);
  EXPECT_EQ(diff["removed"], 1);
  EXPECT_EQ(diff["relabelled"], 1);
  EXPECT_EQ(diff["replaced"], 1);
  EXPECT_EQ(diff["left"], kTestSamples - 3);
  EXPECT_EQ(diff["examples"].size(), 5u);
  EXPECT_EQ(diff["examples"][0].dump(), R"({"what":"added","split":"train","key":"another.png"})");
  const Json same = Describe(DescribeCollectionRequest{"toy@1", "toy@1"})["diff"];
  EXPECT_EQ(same["left"], kTestSamples);
  EXPECT_EQ(Ask<JsonReply>(service_, DescribeCollectionRequest{"toy@1", "wide@1"}).status().code(),
            Code::kInvalidArgument);
}

TEST_F(ServiceBrowseTest, ComparesWithinItsMemory) {
  Service small(filled_.catalog.get(), {.stream_bytes = 50'000});
  const auto reply = Ask<JsonReply>(small, DescribeCollectionRequest{"toy@1", "toy@1"});
  EXPECT_EQ(reply.status().code(), Code::kResourceExhausted) << reply.status().ToString();
}

TEST_F(ServiceBrowseTest, ProjectsSamplesAndWhatTransformsMakeOfThem) {
  const Json json = Describe(ProjectRequest{"toy", "test", 50, 3, {"double", "shift@1"}});
  EXPECT_EQ(json["collection"], "toy@1");
  EXPECT_EQ(json["ids"].size(), 50u);
  EXPECT_EQ(json["labels"].size(), 50u);
  EXPECT_EQ(json["points"].size(), 50u);
  for (const auto& id : json["ids"]) EXPECT_GE(id.get<uint64_t>(), kTestTrain) << "of the split";
  ASSERT_EQ(json["moved"].size(), 2u);
  EXPECT_EQ(json["moved"][0]["chain"], "double");
  // A shift moves all points by one and the same vector.
  const auto moved_by = [&](size_t i) {
    return json["moved"][1]["points"][i][0].get<double>() - json["points"][i][0].get<double>();
  };
  for (size_t i = 1; i < 50; ++i) EXPECT_NEAR(moved_by(i), moved_by(0), 1e-3);
  EXPECT_EQ(json["views"].size(), 0u);
  EXPECT_EQ(json.dump(),
            Describe(ProjectRequest{"toy", "test", 50, 3, {"double", "shift@1"}}).dump())
      << "the same each time";
}

TEST_F(ServiceBrowseTest, RefusesPicturesThatAreTooLargeOrOfNothing) {
  EXPECT_EQ(Text(Ask<JsonReply>(service_, ProjectRequest{"toy", "", 5001})),
            "InvalidArgument: 5001 samples are too many for a picture: at most 5000");
  EXPECT_EQ(Ask<JsonReply>(service_, ProjectRequest{"toy", "nowhere"}).status().code(),
            Code::kNotFound);
  EXPECT_EQ(Ask<JsonReply>(service_, ProjectRequest{"toy", "", 10, 0, {"nothing"}}).status().code(),
            Code::kNotFound);
  EXPECT_EQ(Describe(ProjectRequest{"toy", "", 5000})["ids"].size(), kTestSamples);
}

}  // namespace
}  // namespace augstore
