#include "server/service/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class ServiceTest : public ::testing::Test {
 protected:
  FilledStore filled_;
  Service service_{filled_.catalog.get(), {.address = "tcp://127.0.0.1:1"}};
};

TEST_F(ServiceTest, RefusesAMessageTypeThatIsNoRequest) {
  for (const int type : {0, 20, 99, 100, 107, 60000}) {
    Frame frame = ToFrame(StatsRequest{});
    frame.type = static_cast<MessageType>(type);
    const Status status = ExpectType(AskFrame(service_, frame), MessageType::kEndReply);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("message type " + std::to_string(type)));
  }
}

TEST_F(ServiceTest, RefusesABodyThatIsNoFlatBufferForEveryRequestType) {
  for (uint16_t type = 1; type <= 19; ++type) {
    for (const std::string& body : {std::string(), std::string(3, '\xff'), std::string(64, '\xff'),
                                    std::string(64, '\0'), std::string(1000, '\x7f')}) {
      const Frame frame{static_cast<MessageType>(type), 0, SharedBytes::FromString(body)};
      const std::vector<Frame> replies = Replies(service_, frame);
      ASSERT_EQ(replies.size(), 1u) << type;
      const Status status = ExpectType(replies[0], MessageType::kEndReply);
      EXPECT_EQ(status.code(), Code::kInvalidArgument) << type << ": " << status.ToString();
    }
  }
}

TEST_F(ServiceTest, RefusesTheBodyOfAnotherMessage) {
  Frame frame =
      ToFrame(SetAliasRequest{RecordKind::kTransform, "double", "best", 1, "note", 0, false});
  frame.type = MessageType::kAppendRowsRequest;
  EXPECT_EQ(ExpectType(AskFrame(service_, frame), MessageType::kRowIdsReply).code(),
            Code::kInvalidArgument);
}

TEST_F(ServiceTest, DoesNothingBeforeTheFirstReplyIsAskedFor) {
  const auto source = service_.Start(
      ToFrame(SetAliasRequest{RecordKind::kTransform, "double", "best", 1, "note", 0, false}),
      Owner(0, "test"));
  EXPECT_TRUE(filled_.catalog->GetAliases(RecordKind::kTransform, "double")->moves.empty());
  EXPECT_TRUE(source->Next().has_value());
  EXPECT_EQ(filled_.catalog->GetAliases(RecordKind::kTransform, "double")->moves.size(), 1u);
}

TEST_F(ServiceTest, ServesManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (SampleId first = 0; first < 160; first += 20) {
    threads.emplace_back([this, first] {
      for (SampleId sample = first; sample < first + 20; ++sample) {
        const auto batch = AskForBatch(service_, QueryRequest{"toy", {sample}, "identity", ""});
        ASSERT_TRUE(batch.ok()) << batch.status().ToString();
        EXPECT_EQ(batch->embeddings.row(0)[0], TestValue(sample, 0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace augstore
