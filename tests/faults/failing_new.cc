#include "tests/faults/failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace augstore {
namespace {

struct Countdown {
  uint64_t left = 0;  // allocations until the one that fails; 0: none does
  bool every_one = false;
  bool has_failed = false;
};
thread_local Countdown countdown;

bool Fails() {
  if (countdown.left == 0 || --countdown.left > 0) return false;
  if (countdown.every_one) countdown.left = 1;
  countdown.has_failed = true;
  return true;
}

void* Allocate(std::size_t bytes, std::size_t alignment) {
  if (Fails()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes == 0 ? 1 : bytes);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void* AllocateOrThrow(std::size_t bytes, std::size_t alignment) {
  void* const memory = Allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

FailingNew::FailingNew(Kind kind, uint64_t number) {
  countdown = {number, kind == Kind::kFrom, false};
}
FailingNew::~FailingNew() { countdown = {}; }
bool FailingNew::HasFailed() { return countdown.has_failed; }

}  // namespace augstore

void* operator new(std::size_t bytes) { return augstore::AllocateOrThrow(bytes, 1); }
void* operator new[](std::size_t bytes) { return augstore::AllocateOrThrow(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return augstore::AllocateOrThrow(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return augstore::AllocateOrThrow(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return augstore::Allocate(bytes, 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return augstore::Allocate(bytes, 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
