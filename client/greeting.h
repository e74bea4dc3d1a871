// Internal to the client folder: what a client says first on every connection.
#ifndef AUGSTORE_CLIENT_GREETING_H_
#define AUGSTORE_CLIENT_GREETING_H_

#include <string>

#include "client/channel.h"

namespace augstore {

// Channels of `inner` that present `key` (empty: none) before their first request, name the trace
// `traceparent` (empty: none) to a server that knows traces, and fail with
// kFailedPrecondition when another store answers than that of the first channel: rows, versions and
// drafts of one store mean nothing in another. Errors of their first Send: those of Channel, and
// those of an AuthenticateRequest.
ChannelFactory WithGreeting(ChannelFactory inner, std::string key, std::string traceparent = "");

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_GREETING_H_
