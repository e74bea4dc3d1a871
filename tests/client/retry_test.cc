#include "client/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace augstore {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

constexpr RetryOptions kPatient{.total = std::chrono::hours(1),
                                .first_pause = milliseconds(50),
                                .max_pause = milliseconds(150)};

// Retries an attempt that fails `failures` times; the pauses that it takes are recorded, not slept.
struct Retried {
  Status Run(const RetryOptions& options, int failures, int progress_at = -1) {
    return Retry(
        options,
        [&]() -> Attempt {
          const int attempt = attempts++;
          if (attempt >= failures) return {};
          return {Unavailable("attempt {}", attempt), true, attempt == progress_at};
        },
        [&](milliseconds pause) {
          pauses.push_back(pause.count());
          return true;
        });
  }
  int attempts = 0;
  std::vector<int64_t> pauses;
};

TEST(Retry, ReturnsTheFirstSuccess) {
  Retried retried;
  EXPECT_TRUE(retried.Run(kPatient, 2).ok());
  EXPECT_EQ(retried.attempts, 3);
}

TEST(Retry, DoublesPausesUpToTheLongest) {
  Retried retried;
  EXPECT_TRUE(retried.Run(kPatient, 4).ok());
  EXPECT_THAT(retried.pauses, ElementsAre(50, 100, 150, 150));
}

TEST(Retry, StartsWithShortPausesAgainAfterProgress) {
  Retried retried;
  EXPECT_TRUE(retried.Run(kPatient, 5, 3).ok());
  EXPECT_THAT(retried.pauses, ElementsAre(50, 100, 150, 50, 100));
}

TEST(Retry, NeverPausesLongerThanTheTimeThatIsLeft) {
  Retried retried;
  EXPECT_TRUE(retried
                  .Run({.total = milliseconds(1'000),
                        .first_pause = std::chrono::hours(1),
                        .max_pause = std::chrono::hours(1)},
                       1)
                  .ok());
  ASSERT_EQ(retried.pauses.size(), 1u);
  EXPECT_LE(retried.pauses[0], 1'000);
}

TEST(Retry, GivesUpAtOnceWithoutTime) {
  Retried retried;
  const Status status = retried.Run({.total = milliseconds(0)}, 100);
  EXPECT_EQ(status.message(), "attempt 0");
  EXPECT_EQ(retried.attempts, 1);
}

TEST(Retry, GivesUpWhenTheTimeIsOver) {
  Retried retried;
  const RetryOptions brief{.total = milliseconds(5), .first_pause = {}, .max_pause = {}};
  EXPECT_EQ(retried.Run(brief, 1 << 30).code(), Code::kUnavailable);
  EXPECT_GT(retried.attempts, 1);
}

TEST(Retry, DoesNotRepeatAFailureThatIsFinal) {
  int attempts = 0;
  const Status status = Retry(kPatient, [&]() -> Attempt {
    ++attempts;
    return {NotFound("gone"), false};
  });
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(attempts, 1);
}

TEST(Retry, EndsWhenThePauseIsCutShort) {
  int attempts = 0;
  const Status status = Retry(
      kPatient,
      [&]() -> Attempt {
        ++attempts;
        return {Unavailable("attempt"), true};
      },
      [](milliseconds) { return false; });
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace augstore
