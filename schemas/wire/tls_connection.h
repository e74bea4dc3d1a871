// TLS over a connected socket that does not block, for either side. No call waits: each says what
// the socket must be ready for before it is called again.
#ifndef AUGSTORE_SCHEMAS_WIRE_TLS_CONNECTION_H_
#define AUGSTORE_SCHEMAS_WIRE_TLS_CONNECTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/wire/tls_context.h"

struct ssl_st;  // OpenSSL's SSL

namespace augstore {

enum class TlsWait { kNothing, kToRead, kToWrite };

// How far a call came. With neither bytes nor a wait nor the end: call again.
struct TlsProgress {
  size_t count = 0;  // of the caller's bytes, which passed
  TlsWait wait = TlsWait::kNothing;
  bool end = false;  // of Read: the peer sends no more
};

// Errors end the connection, and every later call returns the first one again. Of a client:
// kUnauthenticated (one side does not accept the other's certificate), kInvalidArgument (the peer
// does not speak TLS of version 1.2 or newer), kUnavailable (the peer is gone), kDataLoss (damaged
// bytes); of a server, whose errors are for its log: kUnavailable (the peer is gone), else
// kInvalidArgument. Thread safety: one thread at a time.
class TlsConnection {
 public:
  // The side that accepted `socket`, which stays the caller's.
  TlsConnection(const TlsContext& context, int socket);
  // The side that connected it. The peer must prove that it is `host`, a name or an IP address.
  TlsConnection(const TlsContext& context, int socket, const std::string& host);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // Call until it returns kNothing, before anything else.
  Result<TlsWait> Handshake();
  Result<TlsProgress> Read(std::span<uint8_t> space);
  // Whether the peer sends no more, as far as can be told without taking what it sent.
  Result<bool> IsAtEnd();
  // Sends `parts` as if they were one; they must stay the same until all of them have passed, less
  // what has. REQUIRES: they are not empty.
  Result<TlsProgress> Write(const std::array<std::span<const uint8_t>, 2>& parts);
  // Tells the peer that no more comes. Call until it returns kNothing.
  Result<TlsWait> Finish();

 private:
  struct Callbacks;  // which OpenSSL calls
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  TlsConnection(const TlsContext& context, int socket, std::string host, bool is_server);
  // Makes records of the beginning of `parts`; returns how many bytes of it.
  Result<size_t> Encrypt(const std::array<std::span<const uint8_t>, 2>& parts);
  bool has_unsent() const { return records_sent_ < records_.size(); }
  // Sends records that were made. kNothing: some were, or there are none.
  Result<TlsWait> Flush();
  Result<TlsWait> FlushAll();
  // Why a call of OpenSSL failed, from here on for every call.
  Status Fail();
  Status SayWhy() const;
  Status SayWhyToClient(unsigned long error) const;
  Status SayWhyToServer(unsigned long error) const;

  const int socket_;
  const bool is_server_;
  const std::string host_;  // of a client
  const std::unique_ptr<ssl_st, Free> ssl_;
  std::vector<uint8_t> records_;     // made, and not all sent
  size_t records_sent_ = 0;          // bytes of them
  size_t pending_ = 0;               // bytes of the caller that are in them
  size_t received_ = 0;              // in this call
  uint32_t handshake_messages_ = 0;  // of the peer, since the handshake
  bool is_open_ = false;             // the handshake is over
  bool finished_ = false;            // close_notify was made
  bool at_end_ = false;              // of what the peer sends
  int socket_error_ = 0;
  Status failure_;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_TLS_CONNECTION_H_
