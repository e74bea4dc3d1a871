// Channels that fail on demand, around those of a service in the same process.
#ifndef AUGSTORE_TESTS_SUPPORT_FLAKY_H_
#define AUGSTORE_TESTS_SUPPORT_FLAKY_H_

#include <atomic>
#include <memory>
#include <utility>

#include "client/retry.h"
#include "tools/cli/local_channel.h"

namespace augstore {

// What fails, counted down: the next `connects` attempts, then the next `sends`, then the next
// `receives`; and each connection after it received `frames_per_connection` frames. Must outlive
// the channels.
struct Faults {
  std::atomic<int> connects{0};
  std::atomic<int> sends{0};
  std::atomic<int> receives{0};
  std::atomic<int> frames_per_connection{1 << 30};
  Code code = Code::kUnavailable;
  std::atomic<int> opened{0};  // connections so far
  std::atomic<int> sent{0};    // requests that arrived
};

inline ChannelFactory FlakyChannels(Service* service, Faults* faults) {
  class Flaky : public Channel {
   public:
    Flaky(std::unique_ptr<Channel> inner, Faults* the_faults)
        : inner_(std::move(inner)), faults_(the_faults), left_(the_faults->frames_per_connection) {}
    Status Send(const Frame& request) override {
      if (faults_->sends > 0 && faults_->sends-- > 0) return Fault("send");
      ++faults_->sent;
      return inner_->Send(request);
    }
    Result<Frame> Receive() override {
      if (faults_->receives > 0 && faults_->receives-- > 0) {
        // The request had its effect; only the reply is lost.
        AUGSTORE_TRY(inner_->Receive());
        return Fault("receive");
      }
      if (left_-- <= 0) return Fault("receive");
      return inner_->Receive();
    }

   private:
    Status Fault(std::string_view what) const {
      return {faults_->code, fmt::format("{} failed", what)};
    }
    std::unique_ptr<Channel> inner_;
    Faults* faults_;
    int left_;
  };
  return [inner = LocalChannels(service), faults]() -> Result<std::unique_ptr<Channel>> {
    ++faults->opened;
    if (faults->connects > 0 && faults->connects-- > 0) return Unavailable("connect failed");
    AUGSTORE_ASSIGN(std::unique_ptr<Channel> channel, inner());
    return std::unique_ptr<Channel>(std::make_unique<Flaky>(std::move(channel), faults));
  };
}

// Retries as often as it takes, without the pauses.
inline RetryOptions Eager() {
  return {.total = std::chrono::minutes(1),
          .first_pause = std::chrono::milliseconds(0),
          .max_pause = std::chrono::milliseconds(1)};
}
inline RetryOptions Never() { return {.total = std::chrono::milliseconds(0)}; }

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_FLAKY_H_
