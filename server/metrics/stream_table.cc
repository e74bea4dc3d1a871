#include "server/metrics/stream_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace augstore {

void StreamTable::Forget() {
  known_.remove_if([](const std::shared_ptr<StreamActivity>& stream) {
    return stream->runs == 0 && stream->gone;
  });
}

std::shared_ptr<StreamActivity> StreamTable::Join(StreamDescription description) {
  const MutexLock lock(mutex_);
  Forget();
  const auto same = std::ranges::find_if(known_, [&](const auto& stream) {
    return stream->of.connection == description.connection && stream->of.peer == description.peer &&
           stream->of.who == description.who && stream->of.fingerprint == description.fingerprint &&
           stream->of.rank == description.rank;
  });
  if (same != known_.end()) {
    (*same)->gone = false;
    ++(*same)->runs;
    return *same;
  }
  auto begun = std::make_shared<StreamActivity>(next_id_++, std::move(description));
  ++begun->runs;
  if (known_.size() >= kMost) {
    const auto idle =
        std::ranges::find_if(known_, [](const auto& stream) { return stream->runs == 0; });
    if (idle == known_.end()) return begun;
    known_.erase(idle);
  }
  known_.push_back(begun);
  return begun;
}

std::vector<std::shared_ptr<const StreamActivity>> StreamTable::Leave(const void* connection) {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const StreamActivity>> left;
  for (const auto& stream : known_) {
    if (stream->of.connection != connection || stream->gone.exchange(true)) continue;
    left.push_back(stream);
  }
  return left;
}

bool StreamTable::StopStream(uint64_t id) {
  const MutexLock lock(mutex_);
  const auto found =
      std::ranges::find_if(known_, [&](const auto& stream) { return stream->id == id; });
  if (found == known_.end()) return false;
  (*found)->stopped = true;
  return true;
}

std::vector<std::shared_ptr<const StreamActivity>> StreamTable::List() {
  const MutexLock lock(mutex_);
  Forget();
  std::vector<std::shared_ptr<const StreamActivity>> listed;
  const auto now = StreamActivity::Clock::now();
  std::ranges::copy_if(known_, std::back_inserter(listed), [&](const auto& stream) {
    return stream->runs > 0 || now - stream->last.load() <= kKept;
  });
  return listed;
}

}  // namespace augstore
