#include "server/metrics/minute_history.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json Growth(const std::deque<ServerTotals>& ends, const ServerTotals& now, T ServerTotals::*field) {
  Json growth = Json::array();
  for (size_t i = 0; i < ends.size(); ++i) {
    const ServerTotals& end = i + 1 < ends.size() ? ends[i + 1] : now;
    growth.push_back(end.*field - ends[i].*field);
  }
  return growth;
}

}  // namespace

bool MinuteHistory::IsDue(Clock::time_point now) const {
  const MutexLock lock(mutex_);
  return now >= next_;
}

void MinuteHistory::Note(Clock::time_point now, const ServerTotals& totals) {
  const MutexLock lock(mutex_);
  if (now < next_) return;
  while (next_ <= now) next_ += kStep;
  ends_.push_back(totals);
  if (ends_.size() > kMost) ends_.pop_front();
}

nlohmann::ordered_json MinuteHistory::ToJson(const ServerTotals& now) const {
  const MutexLock lock(mutex_);
  return {{"step_s", kStep.count()},
          {"rows", Growth(ends_, now, &ServerTotals::rows)},
          {"batches", Growth(ends_, now, &ServerTotals::batches)},
          {"requests", Growth(ends_, now, &ServerTotals::requests)},
          {"wait_for_server_s", Growth(ends_, now, &ServerTotals::wait_for_server_s)},
          {"wait_for_client_s", Growth(ends_, now, &ServerTotals::wait_for_client_s)}};
}

}  // namespace augstore
