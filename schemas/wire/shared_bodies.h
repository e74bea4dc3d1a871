// Bodies of large replies in memory that a server and a client of one machine share: instead of
// being copied into a socket and out of it again, a body is copied once, or is read where it
// stands.
//
//   flags  := a memfd of (slots + 1) x 64 bytes, which the client may write to. A slot's first
//             four are 1 while it holds a body that the client has not done with, else 0. The four
//             after the slots are 1 once the client has mapped both: until then, and when
//             something between the two lets no descriptors through, no slot is used.
//   bodies := a memfd that is cut into slots as the server likes. The client maps it for reading;
//             the kernel refuses it anything else (F_SEAL_FUTURE_WRITE).
//
// The server writes a body to a free slot, sets its flag and sends a SharedBodyReply in place of
// the frame; the client clears the flag when the body is no longer used. A client that lies
// about flags spoils its own data and nothing else. A client trusts the server not to
// change a body that it has verified, as it trusts it not to send other numbers. Socket files are
// open to their owner alone, so both sides are of one user.
#ifndef AUGSTORE_SCHEMAS_WIRE_SHARED_BODIES_H_
#define AUGSTORE_SCHEMAS_WIRE_SHARED_BODIES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "schemas/base/thread_annotations.h"
#include "schemas/base/types.h"
#include "schemas/wire/messages.h"

namespace augstore {

inline constexpr uint32_t kMostSlots = 16;
// Smaller ones cost less in the socket than the flag and the second frame.
inline constexpr size_t kSmallestSharedBody = size_t{32} << 10;
// Of one connection, taken from the system as slots are used: 16 batches of 256 rows of 512 values
// in f32 take 9 MiB.
inline constexpr uint64_t kSharedBodiesBytes = uint64_t{16} << 20;
inline constexpr int kMostSharedMemories = 32;  // further connections do without

// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// A memfd in this process's memory. Movable.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMemory();
  // Errors: kResourceExhausted (the system has none left).
  static Result<SharedMemory> Create(size_t size, Descriptor* fd);
  // Errors: kInvalidArgument (no memfd of that size that keeps it: reading it could end the
  // process), kResourceExhausted.
  static Result<SharedMemory> Map(const Descriptor& fd, size_t size, bool writable);
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  SharedMemory(uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// The server's side. Thread-safe.
class SharedBodyWriter {
 public:
  // Errors: kResourceExhausted (this process has kMostSharedMemories of them, or no memory).
  static Result<std::unique_ptr<SharedBodyWriter>> Create();
  ~SharedBodyWriter();
  ShareMemoryReply reply() const { return {bodies_.size(), kMostSlots}; }
  // Of flags and bodies, to be sent with reply().
  std::array<int, 2> fds() const { return {flags_fd_.get(), bodies_fd_.get()}; }
  // Copies the body of `frame` to a slot; returns the frame that says where, or nothing: the body
  // is small, or too large, or no slot is free.
  std::optional<Frame> Put(const Frame& frame);
  // Frees the slot of a frame that Put returned and that was not sent; others are left alone.
  void TakeBack(const Frame& frame);

 private:
  SharedBodyWriter();
  // A slot for `size` bytes, which is then in use; nothing when there is none.
  std::optional<SharedBodyReply> TakeSlot(size_t size);
  // Cuts the memory into slots that hold `size` bytes. False: a slot is in use, or `size` leaves no
  // room for a few of them.
  bool Divide(size_t size) AUGSTORE_REQUIRES(mutex_);

  Descriptor flags_fd_;
  Descriptor bodies_fd_;
  SharedMemory flags_;
  SharedMemory bodies_;
  Mutex mutex_;
  uint32_t slots_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  size_t capacity_ AUGSTORE_GUARDED_BY(mutex_) = 0;  // of a slot
};

// The client's side. Thread-safe once made.
class SharedBodyReader : public std::enable_shared_from_this<SharedBodyReader> {
 public:
  // Errors: kInvalidArgument (descriptors that are not what `reply` says), kResourceExhausted.
  static Result<std::shared_ptr<SharedBodyReader>> Open(const ShareMemoryReply& reply,
                                                        const Descriptor& flags,
                                                        const Descriptor& bodies);
  // The frame in whose place `frame` came, in the shared memory: its slot is free again when the
  // last owner of the body is gone. Errors: kInvalidArgument (a place that is not in the memory).
  Result<Frame> Take(const Frame& frame);

 private:
  SharedBodyReader() = default;
  SharedMemory flags_;
  SharedMemory bodies_;
  uint32_t slots_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_SHARED_BODIES_H_
