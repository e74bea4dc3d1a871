#include "tools/cli/local_channel.h"

namespace augstore {
namespace {

class LocalChannel : public Channel {
 public:
  explicit LocalChannel(Service* service) : service_(service) {}

  Status Send(const Frame& request) override {
    replies_ = service_->Start(request);
    return OkStatus();
  }

  Result<Frame> Receive() override {
    if (replies_ != nullptr) {
      std::optional<Frame> frame = replies_->Next();
      if (frame.has_value()) return std::move(*frame);
      replies_.reset();
    }
    return Internal("a reply was asked for where none is outstanding");
  }

 private:
  Service* service_;
  std::unique_ptr<ReplySource> replies_;
};

}  // namespace

ChannelFactory LocalChannels(Service* service) {
  return [service]() -> Result<std::unique_ptr<Channel>> {
    return std::unique_ptr<Channel>(std::make_unique<LocalChannel>(service));
  };
}

}  // namespace augstore
