#include "client/greeting.h"

#include <memory>
#include <utility>

#include "client/exchange.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/wire/messages.h"

namespace augstore {
namespace {

constexpr uint32_t kGreetingId = 1;

// What the channels of one factory share. Thread-safe.
class Acquaintance {
 public:
  Acquaintance(std::string key, std::string traceparent)
      : key_(std::move(key)), traceparent_(std::move(traceparent)) {}

  Status Greet(Channel& channel) {
    AUGSTORE_TRY(Introduce(channel));
    return traceparent_.empty() ? OkStatus() : SetTrace(channel);
  }

 private:
  Status Introduce(Channel& channel) {
    AUGSTORE_TRY(channel.Send(key_.empty() ? ToFrame(ServerInfoRequest{}, kGreetingId)
                                           : ToFrame(AuthenticateRequest{key_}, kGreetingId)));
    AUGSTORE_ASSIGN(const Frame reply, channel.Receive());
    AUGSTORE_TRY(CheckReply(reply, kGreetingId));
    if (key_.empty()) {
      AUGSTORE_ASSIGN(const ServerInfoReply info, FromFrame<ServerInfoReply>(reply));
      return CheckSame(info.store_id);
    }
    AUGSTORE_ASSIGN(const AuthenticateReply admitted, FromFrame<AuthenticateReply>(reply));
    return CheckSame(admitted.store_id);
  }

  // A server from before knows no traces and refuses: requests go on without one.
  Status SetTrace(Channel& channel) {
    AUGSTORE_TRY(channel.Send(ToFrame(SetTraceRequest{traceparent_}, kGreetingId)));
    AUGSTORE_ASSIGN(const Frame reply, channel.Receive());
    const bool is_refused =
        reply.type == MessageType::kErrorReply && reply.request_id == kGreetingId;
    return is_refused ? OkStatus() : CheckReply(reply, kGreetingId);
  }

  Status CheckSame(const std::string& store_id) {
    const MutexLock lock(mutex_);
    if (store_id_.empty()) store_id_ = store_id;
    if (store_id_ == store_id) return OkStatus();
    return FailedPrecondition(
        "the server has store {} now, this client began with store {}: serve that one again, or "
        "make a new client",
        store_id, store_id_);
  }

  const std::string key_;
  const std::string traceparent_;
  Mutex mutex_;
  std::string store_id_ AUGSTORE_GUARDED_BY(mutex_);  // empty: not known yet
};

// Greets with its first request: then another thread can interrupt the wait.
class GreetingChannel : public Channel {
 public:
  GreetingChannel(std::unique_ptr<Channel> inner, std::shared_ptr<Acquaintance> acquaintance)
      : inner_(std::move(inner)), acquaintance_(std::move(acquaintance)) {}

  Status Send(const Frame& request) override {
    if (!greeted_) AUGSTORE_TRY(acquaintance_->Greet(*inner_));
    greeted_ = true;
    return inner_->Send(request);
  }
  Result<Frame> Receive() override { return inner_->Receive(); }
  void Interrupt() override { inner_->Interrupt(); }

 private:
  const std::unique_ptr<Channel> inner_;
  const std::shared_ptr<Acquaintance> acquaintance_;
  bool greeted_ = false;
};

}  // namespace

ChannelFactory WithGreeting(ChannelFactory inner, std::string key, std::string traceparent) {
  return [inner = std::move(inner),
          acquaintance = std::make_shared<Acquaintance>(
              std::move(key), std::move(traceparent))]() -> Result<std::unique_ptr<Channel>> {
    AUGSTORE_ASSIGN(std::unique_ptr<Channel> channel, inner());
    return std::unique_ptr<Channel>(
        std::make_unique<GreetingChannel>(std::move(channel), acquaintance));
  };
}

}  // namespace augstore
