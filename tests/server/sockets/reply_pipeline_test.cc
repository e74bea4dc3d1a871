// Replies in order, without sockets: this test's thread is the socket thread.
#include "server/sockets/reply_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "schemas/wire/messages.h"
#include "tests/support/eventually.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;

// Gives each task its turn and counts the claims.
class Scripted : public ReplySource {
 public:
  Scripted(std::vector<ReplyTask> tasks, std::atomic<size_t>* claims)
      : tasks_(std::move(tasks)), claims_(claims) {}
  ReplyTask NextTask(const Cancellation& /*cancellation*/) override {
    if (next_ == tasks_.size()) return nullptr;
    ++*claims_;
    return tasks_[next_++];
  }

 private:
  std::vector<ReplyTask> tasks_;
  size_t next_ = 0;
  std::atomic<size_t>* claims_;
};

Reply Numbered(uint32_t number, size_t bytes = 8) {
  return {false,
          {MessageType::kBatchReply, number, SharedBytes::FromString(std::string(bytes, 'x'))}};
}

ReplyTask Make(uint32_t number, size_t bytes = 8) {
  return [number, bytes](const Resume&, const Cancellation&) { return Numbered(number, bytes); };
}

ReplyTask Fail(uint32_t number) {
  return [number](const Resume&, const Cancellation&) {
    return Reply{false, ErrorFrame(NotFound("gone"), number)};
  };
}

std::vector<ReplyTask> MakeMany(uint32_t count, size_t bytes = 8) {
  std::vector<ReplyTask> tasks;
  for (uint32_t number = 0; number < count; ++number) tasks.push_back(Make(number, bytes));
  return tasks;
}

class ReplyPipelineTest : public ::testing::Test {
 protected:
  void Start(size_t workers, std::vector<ReplyTask> tasks) {
    if (pipeline_ == nullptr) {
      pool_.emplace(workers);
      pipeline_ = std::make_shared<ReplyPipeline>(io_.get_executor(), workers, limit_);
    }
    claims_ = 0;
    pipeline_->Start(std::make_unique<Scripted>(std::move(tasks), &claims_), pool_->get_executor());
  }
  std::optional<SealedFrame> Next() {
    auto next = asio::co_spawn(io_, pipeline_->Next(), asio::use_future);
    RunSocketThread();
    return next.get();
  }
  std::vector<SealedFrame> TakeAll() {
    std::vector<SealedFrame> taken;
    while (auto reply = Next()) taken.push_back(*std::move(reply));
    return taken;
  }
  std::vector<uint32_t> TakeNumbers() {
    std::vector<uint32_t> numbers;
    for (const SealedFrame& reply : TakeAll()) numbers.push_back(reply.frame.request_id);
    return numbers;
  }
  void RunSocketThread() {
    io_.restart();
    io_.run();
  }
  // Waits until `count` replies were claimed, and a little longer for one too many.
  void ExpectClaims(size_t count) {
    EXPECT_TRUE(Eventually([&] {
      RunSocketThread();
      return claims_ >= count;
    }));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    RunSocketThread();
    EXPECT_EQ(claims_, count);
  }

  void TearDown() override { pool_->join(); }

  asio::io_context io_{1};
  std::chrono::milliseconds limit_{60'000};  // of one reply
  std::optional<asio::thread_pool> pool_;
  std::shared_ptr<ReplyPipeline> pipeline_;
  std::atomic<size_t> claims_ = 0;
};

TEST_F(ReplyPipelineTest, DeliversInTheOrderOfClaimsThoughWorkersFinishInReverse) {
  constexpr uint32_t kWorkers = 4;
  constexpr uint32_t kReplies = 1 + 25 * kWorkers;
  std::deque<std::latch> made;
  for (uint32_t i = 0; i < kReplies; ++i) made.emplace_back(1);
  // The first is made alone. Of each four that follow, a task waits for the one after it.
  std::vector<ReplyTask> tasks = {Make(0)};
  for (uint32_t number = 1; number < kReplies; ++number) {
    tasks.push_back([&made, number](const Resume&, const Cancellation&) {
      if (number % kWorkers != 0) made[number + 1].wait();
      made[number].count_down();
      return Numbered(number);
    });
  }
  Start(kWorkers, std::move(tasks));
  const std::vector<uint32_t> numbers = TakeNumbers();
  ASSERT_EQ(numbers.size(), kReplies);
  for (uint32_t i = 0; i < kReplies; ++i) EXPECT_EQ(numbers[i], i);
}

TEST_F(ReplyPipelineTest, SealsFramesForTheSocket) {
  Start(1, MakeMany(1));
  const std::optional<SealedFrame> reply = Next();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->header, SealHeader(reply->frame));
}

TEST_F(ReplyPipelineTest, AnswersOneRequestAfterAnother) {
  Start(2, {});
  EXPECT_TRUE(TakeAll().empty());
  Start(2, MakeMany(3));
  EXPECT_THAT(TakeNumbers(), ElementsAre(0, 1, 2));
  EXPECT_TRUE(pipeline_->Ready()) << "the end stays the end";
  EXPECT_FALSE(Next().has_value());
  Start(2, MakeMany(1));
  EXPECT_THAT(TakeNumbers(), ElementsAre(0));
}

TEST_F(ReplyPipelineTest, MakesNoSecondReplyBeforeItKnowsTheSizeOfTheFirst) {
  std::latch release(1);
  std::vector<ReplyTask> tasks = MakeMany(3);
  tasks[0] = [&](const Resume&, const Cancellation&) {
    release.wait();
    return Numbered(0);
  };
  Start(4, std::move(tasks));
  ExpectClaims(1);
  EXPECT_FALSE(pipeline_->Ready());
  release.count_down();
  EXPECT_THAT(TakeNumbers(), ElementsAre(0, 1, 2));
}

TEST_F(ReplyPipelineTest, MakesAsManyRepliesAheadAsMayWait) {
  Start(2, MakeMany(100));
  ASSERT_TRUE(Next().has_value());
  ExpectClaims(1 + 2 * ReplyPipeline::kWaitingPerWorker);
  ASSERT_TRUE(Next().has_value());
  ExpectClaims(2 + 2 * ReplyPipeline::kWaitingPerWorker);
  EXPECT_EQ(TakeAll().size(), 98u);
}

TEST_F(ReplyPipelineTest, MakesLargeRepliesOneAtATime) {
  Start(2, MakeMany(4, 2 * ReplyPipeline::kWaitingBytesPerWorker));
  ExpectClaims(1);
  ASSERT_TRUE(Next().has_value());
  ExpectClaims(2);
  EXPECT_EQ(TakeAll().size(), 3u);
}

TEST_F(ReplyPipelineTest, LeavesSlotsOfSharedMemoryToTheClient) {
  constexpr size_t kWorkers = 16;
  Start(kWorkers, {});
  EXPECT_FALSE(Next().has_value());
  pipeline_->ShareBodies(SharedBodyWriter::Create().value());
  Start(kWorkers, MakeMany(100));
  ASSERT_TRUE(Next().has_value());
  ExpectClaims(1 + ReplyPipeline::kMostWaitingInSlots);
  EXPECT_EQ(TakeAll().size(), 99u);
}

TEST_F(ReplyPipelineTest, AParkedTaskHoldsNoWorkerAndComesInItsTurn) {
  std::promise<Resume> parked;
  std::vector<ReplyTask> tasks = MakeMany(3);
  tasks[1] = [&, first = std::make_shared<std::atomic<bool>>(true)](const Resume& resume,
                                                                    const Cancellation&) {
    if (!first->exchange(false)) return Numbered(1);
    parked.set_value(resume);
    return Reply{true, {}};
  };
  std::latch third(1);
  tasks[2] = [&](const Resume&, const Cancellation&) {
    third.count_down();
    return Numbered(2);
  };
  Start(1, std::move(tasks));
  ASSERT_TRUE(Next().has_value());
  const Resume resume = parked.get_future().get();
  third.wait();
  RunSocketThread();
  EXPECT_FALSE(pipeline_->Ready());
  std::thread(resume).join();
  EXPECT_THAT(TakeNumbers(), ElementsAre(1, 2));
}

TEST_F(ReplyPipelineTest, DropsRepliesThatWereMadeBesideOneThatFailed) {
  std::latch behind(2);
  std::vector<ReplyTask> tasks = MakeMany(4);
  tasks[1] = [&](const Resume& resume, const Cancellation& cancellation) {
    behind.wait();
    return Fail(1)(resume, cancellation);
  };
  for (const uint32_t number : {2u, 3u}) {
    tasks[number] = [&behind, number](const Resume&, const Cancellation&) {
      behind.count_down();
      return Numbered(number);
    };
  }
  Start(4, std::move(tasks));
  const std::vector<SealedFrame> replies = TakeAll();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].frame.request_id, 0u);
  EXPECT_EQ(replies[1].frame.type, MessageType::kErrorReply);
  EXPECT_FALSE(pipeline_->broken());
  Start(4, MakeMany(2));
  EXPECT_THAT(TakeNumbers(), ElementsAre(0, 1));
}

TEST_F(ReplyPipelineTest, FreesTheSlotsOfDroppedReplies) {
  constexpr size_t kBytes = 2 * kSmallestSharedBody;
  Start(4, {});
  EXPECT_FALSE(Next().has_value());
  pipeline_->ShareBodies(SharedBodyWriter::Create().value());
  const SharedBodyWriter& shared = *pipeline_->shared();
  const auto client = SharedBodyReader::Open(shared.reply(), Descriptor(::dup(shared.fds()[0])),
                                             Descriptor(::dup(shared.fds()[1])));
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  std::vector<ReplyTask> tasks = MakeMany(8, kBytes);
  tasks[1] = Fail(1);
  Start(4, std::move(tasks));
  EXPECT_EQ(TakeAll().size(), 2u);
  // All slots but that of the reply which was taken.
  Start(4, MakeMany(2 * kMostSlots, kBytes));
  const std::vector<SealedFrame> replies = TakeAll();
  EXPECT_EQ(std::ranges::count(replies, MessageType::kSharedBodyReply,
                               [](const SealedFrame& reply) { return reply.frame.type; }),
            kMostSlots - 1);
}

TEST_F(ReplyPipelineTest, BreaksWhenATaskThrows) {
  std::vector<ReplyTask> tasks = MakeMany(3);
  tasks[1] = [](const Resume&, const Cancellation&) -> Reply { throw std::runtime_error("a bug"); };
  Start(2, std::move(tasks));
  ASSERT_TRUE(Next().has_value());
  EXPECT_FALSE(Next().has_value());
  EXPECT_TRUE(pipeline_->broken());
}

TEST_F(ReplyPipelineTest, BreaksWhenAClaimThrows) {
  class Throwing : public ReplySource {
    ReplyTask NextTask(const Cancellation& /*cancellation*/) override { throw std::bad_alloc(); }
  };
  Start(1, {});
  EXPECT_FALSE(Next().has_value());
  pipeline_->Start(std::make_unique<Throwing>(), pool_->get_executor());
  EXPECT_FALSE(Next().has_value());
  EXPECT_TRUE(pipeline_->broken());
}

TEST_F(ReplyPipelineTest, BreaksWhenATaskThrowsAfterItWasParked) {
  std::promise<Resume> parked;
  Start(1, {[&, first = std::make_shared<std::atomic<bool>>(true)](const Resume& resume,
                                                                   const Cancellation&) -> Reply {
          if (!first->exchange(false)) throw std::bad_alloc();
          parked.set_value(resume);
          return Reply{true, {}};
        }});
  parked.get_future().get()();
  EXPECT_FALSE(Next().has_value());
  EXPECT_TRUE(pipeline_->broken());
}

TEST_F(ReplyPipelineTest, EndsTheWaitWhenItIsClosedWhileTasksRun) {
  std::latch running(1);
  std::latch release(1);
  Start(1, {[&](const Resume&, const Cancellation&) {
          running.count_down();
          release.wait();
          return Numbered(0);
        }});
  auto next = asio::co_spawn(io_, pipeline_->Next(), asio::use_future);
  running.wait();
  io_.restart();
  io_.poll();
  pipeline_->Close();
  RunSocketThread();
  EXPECT_FALSE(next.get().has_value());
  EXPECT_FALSE(pipeline_->broken());
  release.count_down();
  pool_->join();  // the task still reads the latch
}

// Works until it is told to stop.
ReplyTask WorkOn(std::latch* running) {
  return [running](const Resume&, const Cancellation& cancellation) {
    running->count_down();
    Status status;
    while ((status = cancellation.Check()).ok()) std::this_thread::yield();
    return Reply{false, ErrorFrame(status, 0)};
  };
}

TEST_F(ReplyPipelineTest, TellsARunningTaskToGiveUpWhenItIsClosed) {
  std::latch running(1);
  Start(1, {WorkOn(&running)});
  running.wait();
  pipeline_->Close();
  pool_->join();  // the task ends
}

TEST_F(ReplyPipelineTest, EndsATaskThatTakesLongerThanAReplyMay) {
  limit_ = std::chrono::milliseconds(50);
  std::latch running(1);
  Start(1, {WorkOn(&running)});
  const auto reply = Next();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(ExpectType(reply->frame, MessageType::kEndReply).code(), Code::kDeadlineExceeded);
}

TEST_F(ReplyPipelineTest, RunsNoTaskAgainAfterItWasClosed) {
  std::promise<Resume> parked;
  std::atomic<int> runs = 0;
  Start(1, {[&](const Resume& resume, const Cancellation&) {
          ++runs;
          parked.set_value(resume);
          return Reply{true, {}};
        }});
  const Resume resume = parked.get_future().get();
  pipeline_->Close();
  resume();
  pool_->join();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(Next().has_value());
}

TEST_F(ReplyPipelineTest, StreamsManyRequestsWithParkedAndFailedReplies) {
  constexpr uint32_t kReplies = 60;
  for (uint32_t request = 0; request < 30; ++request) {
    std::vector<ReplyTask> tasks = MakeMany(kReplies);
    for (uint32_t number = request % 3; number < kReplies; number += 3) {
      tasks[number] = [number, first = std::make_shared<std::atomic<bool>>(true)](
                          const Resume& resume, const Cancellation&) {
        if (!first->exchange(false)) return Numbered(number);
        resume();  // may come before the task has returned
        return Reply{true, {}};
      };
    }
    const bool fails = request % 2 == 1;
    if (fails) tasks[request] = Fail(request);
    Start(4, std::move(tasks));
    const std::vector<uint32_t> numbers = TakeNumbers();
    ASSERT_EQ(numbers.size(), fails ? request + 1 : kReplies);
    for (uint32_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i);
  }
}

}  // namespace
}  // namespace augstore
