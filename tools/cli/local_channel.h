// A Channel to a Service in the same process: how commands that were given --store run the very
// code that a server runs.
#ifndef AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_
#define AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_

#include "client/channel.h"
#include "server/service.h"

namespace augstore {

// `service` must outlive the factory's channels.
ChannelFactory LocalChannels(Service* service);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_LOCAL_CHANNEL_H_
