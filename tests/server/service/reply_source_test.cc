#include "server/service/reply_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace augstore {
namespace {

class OneTask : public ReplySource {
 public:
  explicit OneTask(ReplyTask task) : task_(std::move(task)) {}
  ReplyTask NextTask(const Cancellation& /*cancellation*/) override {
    return std::exchange(task_, nullptr);
  }

 private:
  ReplyTask task_;
};

TEST(ReplySource, ReturnsEachReplyAndThenNothing) {
  OneTask source([](const Resume&, const Cancellation&) {
    return Reply{false, {MessageType::kEndReply, 5, {}}};
  });
  const std::optional<Frame> frame = source.Next();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->request_id, 5u);
  EXPECT_FALSE(source.Next().has_value());
}

TEST(ReplySource, RunsAParkedTaskAgainWhenItIsResumed) {
  int runs = 0;
  std::thread other;
  OneTask source([&](const Resume& resume, const Cancellation&) {
    if (++runs == 2) return Reply{false, {MessageType::kEndReply, 5, {}}};
    other = std::thread(resume);
    return Reply{true, {}};
  });
  EXPECT_TRUE(source.Next().has_value());
  EXPECT_EQ(runs, 2);
  other.join();
}

}  // namespace
}  // namespace augstore
