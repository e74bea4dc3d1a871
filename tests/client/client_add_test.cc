// Adding a record when the server goes away in the middle.
#include <gtest/gtest.h>

#include "client/client.h"
#include "client/socket_channel.h"
#include "tests/support/filled_store.h"
#include "tests/support/flaky.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

// Forwards to another channel, but loses an AddRecord request or its reply as often as it is told
// to.
struct Losses {
  int requests = 0;
  int replies = 0;
};

class LossyChannel : public Channel {
 public:
  LossyChannel(std::unique_ptr<Channel> inner, Losses* losses)
      : inner_(std::move(inner)), losses_(losses) {}

  Status Send(const Frame& request) override {
    type_ = request.type;
    if (type_ == MessageType::kAddRecordRequest && losses_->requests > 0) {
      lost_ = true;
      --losses_->requests;
      return OkStatus();
    }
    return inner_->Send(request);
  }

  Result<Frame> Receive() override {
    if (lost_) return Unavailable("the request was lost");
    Result<Frame> reply = inner_->Receive();
    if (type_ == MessageType::kAddRecordRequest && losses_->replies > 0) {
      --losses_->replies;
      return Unavailable("the reply was lost");
    }
    return reply;
  }

 private:
  std::unique_ptr<Channel> inner_;
  Losses* losses_;
  MessageType type_ = MessageType::kErrorReply;
  bool lost_ = false;
};

class ClientAddTest : public testing::Test {
 protected:
  // Adds one transform with these losses and gives all versions that are then stored.
  std::vector<uint32_t> VersionsAfterAdd(Losses losses) {
    Serving serving;
    const ChannelFactory factory = [&]() -> Result<std::unique_ptr<Channel>> {
      AUGSTORE_ASSIGN(std::unique_ptr<Channel> inner, ConnectSocket(serving.tcp()));
      return std::unique_ptr<Channel>(std::make_unique<LossyChannel>(std::move(inner), &losses));
    };
    const auto client = Client::Open(factory, {.total = std::chrono::seconds(5)});
    if (!client.ok()) return {};
    const Layers layers = ScalingLayers(7, 0.5f);
    const auto version = (*client)->Add(RecordKind::kTransform, "seven",
                                        Encode(TestTransform(layers)), layers.ToSafetensors());
    EXPECT_TRUE(version.ok()) << version.status().ToString();
    std::vector<uint32_t> versions;
    const auto listed = (*client)->List<TransformRecord>("seven");
    if (!listed.ok()) return {};
    for (const auto& entry : *listed) versions.push_back(entry.version);
    return versions;
  }
};

TEST_F(ClientAddTest, StoresOnceWhenTheReplyIsLost) {
  EXPECT_EQ(VersionsAfterAdd({.requests = 0, .replies = 1}), std::vector<uint32_t>{1});
}

TEST_F(ClientAddTest, SendsAgainWhenTheRequestIsLost) {
  EXPECT_EQ(VersionsAfterAdd({.requests = 2, .replies = 0}), std::vector<uint32_t>{1});
}

}  // namespace
}  // namespace augstore
