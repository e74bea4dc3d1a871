#include "schemas/wire/descriptor_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace augstore {
namespace {

constexpr size_t kPairBytes = 2 * sizeof(int);

// Room for one pair.
union Control {
  cmsghdr header;
  char bytes[CMSG_SPACE(kPairBytes)];
};

msghdr MessageOf(iovec* part, Control* control) {
  msghdr message{};
  message.msg_iov = part;
  message.msg_iovlen = 1;
  message.msg_control = control->bytes;
  message.msg_controllen = sizeof control->bytes;
  return message;
}

}  // namespace

Status SendWithDescriptors(int socket, std::span<const uint8_t> bytes,
                           const std::array<int, 2>& fds) {
  Control control{};
  iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  const msghdr message = MessageOf(&part, &control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(kPairBytes);
  std::memcpy(CMSG_DATA(header), fds.data(), kPairBytes);
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return OkStatus();
  if (sent >= 0) return Unavailable("the socket took {} of {} bytes", sent, bytes.size());
  return ResourceExhausted("descriptors cannot be sent: {}", std::system_category().message(errno));
}

ssize_t ReceiveWithDescriptors(int socket, std::span<uint8_t> space,
                               std::array<Descriptor, 2>* fds) {
  Control control{};
  iovec part{space.data(), space.size()};
  msghdr message = MessageOf(&part, &control);
  const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
    return count;
  }
  std::vector<int> received((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  std::memcpy(received.data(), CMSG_DATA(header), received.size() * sizeof(int));
  std::vector<Descriptor> owned(received.begin(), received.end());
  const bool whole = (message.msg_flags & MSG_CTRUNC) == 0;
  if (whole && owned.size() == fds->size()) *fds = {std::move(owned[0]), std::move(owned[1])};
  return count;
}

}  // namespace augstore
