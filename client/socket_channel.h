// A Channel over a TCP or Unix socket, or TLS. Every wait has a deadline, and another thread can
// end it.
#ifndef AUGSTORE_CLIENT_SOCKET_CHANNEL_H_
#define AUGSTORE_CLIENT_SOCKET_CHANNEL_H_

#include <chrono>
#include <memory>
#include <string>

#include "client/channel.h"
#include "schemas/base/address.h"
#include "schemas/wire/tls_context.h"

namespace augstore {

struct SocketOptions {
  std::chrono::milliseconds connect_timeout{5'000};  // with TLS: and as long for the handshake
  std::chrono::milliseconds io_timeout{120'000};     // without any progress
  // Of an address in tls://. An empty name stands for the environment's AUGSTORE_TLS_CA,
  // AUGSTORE_TLS_CERT and AUGSTORE_TLS_KEY.
  TlsFiles tls = {};
  // Of a Client: the trace that its requests and those of its streams belong to, as W3C Trace
  // Context writes it. Empty: that of the environment's TRACEPARENT, if it is one.
  std::string traceparent = {};
};

// Connects to a server. Errors: kInvalidArgument (a Unix path that is too long, a file of
// options.tls, TLS here and not there), kUnavailable (no server listens there, naming the address
// and the reason), kUnauthenticated (one side does not accept the other's certificate).
Result<std::unique_ptr<Channel>> ConnectSocket(const Address& address,
                                               const SocketOptions& options = {});

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_SOCKET_CHANNEL_H_
