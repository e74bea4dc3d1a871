// A Channel to a Service in the same process: commands that were given --store run the very code
// that a server runs.
#ifndef AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_
#define AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_

#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "client/channel.h"
#include "server/service/service.h"

namespace augstore {

class LocalChannel : public Channel {
 public:
  // `service` must outlive the channel.
  explicit LocalChannel(Service* service) : service_(service) {}

  Status Send(const Frame& request) override {
    replies_ = service_->Start(request, caller_);
    return OkStatus();
  }
  Result<Frame> Receive() override {
    std::optional<Frame> frame = replies_ != nullptr ? replies_->Next() : std::nullopt;
    if (frame.has_value()) return *std::move(frame);
    return Internal("Receive was called although no reply is outstanding: please report this");
  }

 private:
  Service* const service_;
  const PrincipalPointer caller_ = Owner(::geteuid(), "in process");
  std::unique_ptr<ReplySource> replies_;
};

// `service` must outlive the factory's channels.
inline ChannelFactory LocalChannels(Service* service) {
  return [service]() -> Result<std::unique_ptr<Channel>> {
    return std::unique_ptr<Channel>(std::make_unique<LocalChannel>(service));
  };
}

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_
