#include "schemas/wire/shared_bodies.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace augstore {
namespace {

constexpr size_t kFlagBytes = 64;  // a cache line for each
constexpr size_t kPage = 4096;
constexpr uint32_t kFewestSlots = 4;
constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

std::atomic<int> writers = 0;  // in this process

std::atomic_ref<uint32_t> Flag(const SharedMemory& flags, uint32_t slot) {
  return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(flags.data() + slot * kFlagBytes));
}

Status NoMemory(std::string_view what) {
  return ResourceExhausted("no shared memory: {}: {}", what, std::system_category().message(errno));
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<SharedMemory> SharedMemory::Create(size_t size, Descriptor* fd) {
  *fd = Descriptor(::memfd_create("augstore", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd->get() < 0) return NoMemory("memfd_create");
  if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0) return NoMemory("ftruncate");
  if (::fcntl(fd->get(), F_ADD_SEALS, kSizeSeals) != 0) return NoMemory("F_ADD_SEALS");
  return Map(*fd, size, /*writable=*/true);
}

Result<SharedMemory> SharedMemory::Map(const Descriptor& fd, size_t size, bool writable) {
  struct stat status {};
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSizeSeals) != kSizeSeals || ::fstat(fd.get(), &status) != 0 ||
      size == 0 || static_cast<uint64_t>(status.st_size) != size) {
    return InvalidArgument("the shared memory is not {} bytes that stay", size);
  }
  void* const data =
      ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return NoMemory("mmap");
  return SharedMemory(static_cast<uint8_t*>(data), size);
}

SharedBodyWriter::SharedBodyWriter() { ++writers; }
SharedBodyWriter::~SharedBodyWriter() { --writers; }

Result<std::unique_ptr<SharedBodyWriter>> SharedBodyWriter::Create() {
  std::unique_ptr<SharedBodyWriter> writer(new SharedBodyWriter);
  if (writers > kMostSharedMemories) {
    return ResourceExhausted("{} connections share memory with their clients, which is the limit",
                             kMostSharedMemories);
  }
  AUGSTORE_ASSIGN(writer->flags_,
                  SharedMemory::Create((kMostSlots + 1) * kFlagBytes, &writer->flags_fd_));
  AUGSTORE_ASSIGN(writer->bodies_, SharedMemory::Create(kSharedBodiesBytes, &writer->bodies_fd_));
  if (::fcntl(writer->bodies_fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    return NoMemory("F_SEAL_FUTURE_WRITE");
  }
  return writer;
}

bool SharedBodyWriter::Divide(size_t size) {
  const size_t capacity = (size + size / 8 + kPage - 1) / kPage * kPage;
  if (capacity * kFewestSlots > bodies_.size()) return false;
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    if (Flag(flags_, slot).load(std::memory_order_acquire) != 0) return false;
  }
  capacity_ = capacity;
  slots_ = static_cast<uint32_t>(std::min<size_t>(kMostSlots, bodies_.size() / capacity));
  return true;
}

std::optional<SharedBodyReply> SharedBodyWriter::TakeSlot(size_t size) {
  const MutexLock lock(mutex_);
  if (Flag(flags_, kMostSlots).load(std::memory_order_acquire) == 0) return std::nullopt;
  if (size > capacity_ && !Divide(size)) return std::nullopt;
  // The first free one: while the client keeps up, few slots are used, and stay in the caches.
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    const auto flag = Flag(flags_, slot);
    if (flag.load(std::memory_order_acquire) != 0) continue;
    flag.store(1, std::memory_order_relaxed);
    return SharedBodyReply{{}, slot, slot * capacity_, static_cast<uint32_t>(size)};
  }
  return std::nullopt;
}

std::optional<Frame> SharedBodyWriter::Put(const Frame& frame) {
  const std::span<const uint8_t> body = frame.body.bytes;
  if (body.size() < kSmallestSharedBody) return std::nullopt;
  std::optional<SharedBodyReply> place = TakeSlot(body.size());
  if (!place.has_value()) return std::nullopt;
  std::memcpy(bodies_.data() + place->offset, body.data(), body.size());
  place->type = frame.type;
  return ToFrame(*place, frame.request_id);
}

void SharedBodyWriter::TakeBack(const Frame& frame) {
  const auto place = FromFrame<SharedBodyReply>(frame);
  if (place.ok()) Flag(flags_, place->slot).store(0, std::memory_order_release);
}

Result<std::shared_ptr<SharedBodyReader>> SharedBodyReader::Open(const ShareMemoryReply& reply,
                                                                 const Descriptor& flags,
                                                                 const Descriptor& bodies) {
  if (reply.slots == 0 || reply.slots > kMostSlots || reply.bytes > kSharedBodiesBytes) {
    return InvalidArgument("shared memory of {} bytes in {} slots: the limits are {} and {}",
                           reply.bytes, reply.slots, kSharedBodiesBytes, kMostSlots);
  }
  std::shared_ptr<SharedBodyReader> reader(new SharedBodyReader);
  reader->slots_ = reply.slots;
  AUGSTORE_ASSIGN(reader->flags_, SharedMemory::Map(flags, (reply.slots + 1) * kFlagBytes, true));
  AUGSTORE_ASSIGN(reader->bodies_, SharedMemory::Map(bodies, reply.bytes, false));
  Flag(reader->flags_, reply.slots).store(1, std::memory_order_release);
  return reader;
}

Result<Frame> SharedBodyReader::Take(const Frame& frame) {
  AUGSTORE_ASSIGN(const SharedBodyReply place, FromFrame<SharedBodyReply>(frame));
  if (place.slot >= slots_ || place.offset % kAlignment != 0 || place.size > bodies_.size() ||
      place.offset > bodies_.size() - place.size) {
    return InvalidArgument("a body of {} bytes at {} of slot {} is not in the shared memory",
                           place.size, place.offset, place.slot);
  }
  const uint8_t* const data = bodies_.data() + place.offset;
  std::shared_ptr<const void> owner(data, [self = shared_from_this(), slot = place.slot](auto*) {
    Flag(self->flags_, slot).store(0, std::memory_order_release);
  });
  return Frame{place.type, frame.request_id, {std::move(owner), {data, place.size}}};
}

}  // namespace augstore
