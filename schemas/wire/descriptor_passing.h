// Bytes that take open files along, over a Unix socket.
#ifndef AUGSTORE_SCHEMAS_WIRE_DESCRIPTOR_PASSING_H_
#define AUGSTORE_SCHEMAS_WIRE_DESCRIPTOR_PASSING_H_

#include <sys/types.h>

#include <array>
#include <span>

#include "schemas/wire/shared_bodies.h"

namespace augstore {

// Sends `bytes` with copies of `fds`, without waiting. Errors: kResourceExhausted (nothing was
// sent), kUnavailable (a part was: the connection is of no use any more).
Status SendWithDescriptors(int socket, std::span<const uint8_t> bytes,
                           const std::array<int, 2>& fds);
// As ::recv; a pair of descriptors that comes along replaces `fds`. Others are closed.
ssize_t ReceiveWithDescriptors(int socket, std::span<uint8_t> space,
                               std::array<Descriptor, 2>* fds);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_DESCRIPTOR_PASSING_H_
