// A service over a store in memory, with channels that lose requests and replies and with restarts,
// all of them drawn from one seed.
#ifndef AUGSTORE_TESTS_CLIENT_SIMULATION_WORLD_H_
#define AUGSTORE_TESTS_CLIENT_SIMULATION_WORLD_H_

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "client/channel.h"
#include "server/service/service.h"
#include "storage/store/memory_store.h"

namespace augstore::simulation {

// One thread at a time.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed), store_(NewMemoryStore()) { Start(); }

  // A number below `end`.
  uint64_t Draw(uint64_t end) { return random_() % end; }
  bool Chance(uint64_t percent) { return Draw(100) < percent; }

  ChannelFactory Channels() {
    return [this]() -> Result<std::unique_ptr<Channel>> {
      if (faulty_ && Chance(3)) return Unavailable("no connection");
      return std::unique_ptr<Channel>(std::make_unique<FaultyChannel>(this));
    };
  }
  // The server ends and starts again: drafts are gone, what is stored is not.
  void Restart() {
    for (FaultyChannel* channel : channels_) channel->Break();
    service_.reset();
    catalog_.reset();
    ++restarts_;
    Start();
  }
  uint32_t restarts() const { return restarts_; }
  uint64_t faults() const { return faults_; }
  void StopFaults() { faulty_ = false; }
  Catalog& catalog() { return *catalog_; }

 private:
  class FaultyChannel final : public Channel {
   public:
    explicit FaultyChannel(World* world) : world_(world) { world_->channels_.insert(this); }
    ~FaultyChannel() override { world_->channels_.erase(this); }

    Status Send(const Frame& request) override {
      replies_.reset();
      is_broken_ = false;
      if (world_->IsFault(2)) return Lost();  // before it arrived
      if (world_->IsFault(1)) world_->Restart();
      if (IsRepeatable(request.type) && world_->IsFault(2)) {
        (void)world_->service_->Start(request, world_->caller_)->Next();  // it comes twice
      }
      replies_ = world_->service_->Start(request, world_->caller_);
      return OkStatus();
    }
    Result<Frame> Receive() override {
      if (is_broken_ || replies_ == nullptr) return Lost();
      std::optional<Frame> frame = replies_->Next();
      if (!frame.has_value()) return Internal("no reply is outstanding");
      if (world_->IsFault(3)) return Lost();  // it had its effect
      if (world_->IsFault(1)) {
        world_->Restart();
        return Lost();
      }
      return *std::move(frame);
    }
    void Break() {
      is_broken_ = true;
      replies_.reset();
    }

   private:
    Status Lost() {
      Break();
      return Unavailable("the connection broke");
    }

    World* const world_;
    bool is_broken_ = false;
    std::unique_ptr<ReplySource> replies_;
  };

  // As docs/protocol.md says.
  static bool IsRepeatable(MessageType type) {
    switch (type) {
      case MessageType::kAddRecordRequest:
      case MessageType::kDeleteRecordRequest:
      case MessageType::kSetAliasRequest:
      case MessageType::kBeginDraftRequest:
      case MessageType::kAppendSamplesRequest:
        return false;
      default:
        return true;
    }
  }
  void Start() {
    // A commit takes as many calls as it can, so that much happens between them.
    catalog_ = Catalog::Open(store_.get(), std::chrono::milliseconds(0)).value();
    service_ = std::make_unique<Service>(catalog_.get(), ServiceOptions{.address = "simulated"});
  }
  bool IsFault(uint64_t percent) {
    if (!faulty_ || !Chance(percent)) return false;
    ++faults_;
    return true;
  }

  const PrincipalPointer caller_ = Owner(0, "simulated");
  std::mt19937_64 random_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Service> service_;
  std::set<FaultyChannel*> channels_;
  bool faulty_ = true;
  uint32_t restarts_ = 0;
  uint64_t faults_ = 0;
};

}  // namespace augstore::simulation

#endif  // AUGSTORE_TESTS_CLIENT_SIMULATION_WORLD_H_
