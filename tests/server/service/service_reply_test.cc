#include "server/service/service_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "schemas/base/limits.h"
#include "schemas/wire/messages.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServiceReplyTest : public ::testing::Test {
 protected:
  template <typename Make>
  Reply ReplyOf(const Make& make) {
    return MakeReply(state_, MessageType::kQueryRequest, 7, make);
  }
  template <typename Make>
  Status ErrorOf(const Make& make) {
    const Reply reply = ReplyOf(make);
    EXPECT_FALSE(reply.parked);
    EXPECT_EQ(reply.frame.request_id, 7u);
    return ExpectType(reply.frame, MessageType::kEndReply);
  }

  FilledStore filled_;
  ServiceState state_{filled_.catalog.get(), ServiceOptions{}};
};

TEST_F(ServiceReplyTest, NamesOperationsAfterTheirRequests) {
  EXPECT_EQ(OperationName(MessageType::kQueryRequest), "Query");
  EXPECT_EQ(OperationName(MessageType::kBatchesRequest), "Batches");
  EXPECT_EQ(OperationName(static_cast<MessageType>(77)), "message type 77");
}

TEST_F(ServiceReplyTest, PassesAFrameOnAndCountsItsBytes) {
  const Frame frame{MessageType::kEndReply, 7, SharedBytes::FromString("four")};
  const Reply reply = ReplyOf([&]() -> Result<Reply> { return Reply{false, frame}; });
  EXPECT_EQ(reply.frame.body.text(), "four");
  EXPECT_EQ(state_.metrics.reply_bytes, 4u);
}

TEST_F(ServiceReplyTest, LeavesAParkedReplyAlone) {
  EXPECT_TRUE(ReplyOf([]() -> Result<Reply> { return Reply{true, {}}; }).parked);
  EXPECT_EQ(state_.metrics.reply_bytes, 0u);
}

TEST_F(ServiceReplyTest, TurnsErrorsAndExceptionsIntoErrorReplies) {
  EXPECT_EQ(ErrorOf([]() -> Result<Reply> { return NotFound("gone"); }).code(), Code::kNotFound);
  const Status memory = ErrorOf([]() -> Result<Reply> { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code(), Code::kResourceExhausted);
  EXPECT_THAT(memory.message(), StartsWith("Query: "));
  const Status bug = ErrorOf([]() -> Result<Reply> { throw std::runtime_error("a bug"); });
  EXPECT_EQ(bug.code(), Code::kInternal);
  EXPECT_THAT(bug.message(), HasSubstr("Query: a bug"));
  EXPECT_EQ(ErrorOf([]() -> Result<Reply> { throw 7; }).code(), Code::kInternal);
}

TEST_F(ServiceReplyTest, RefusesAReplyThatNoClientWouldAccept) {
  static uint8_t byte = 0;
  Frame huge{MessageType::kBatchReply, 7, {}};
  huge.body.bytes = {&byte, kMaxReplyBytes + 1};  // nothing reads them
  const Status status = ErrorOf([&]() -> Result<Reply> { return Reply{false, huge}; });
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr(std::to_string(kMaxReplyBytes)));
}

}  // namespace
}  // namespace augstore
