// A list of 64-bit ids in as few bytes as they allow: none for ascending ones without gaps, which
// is what ingest makes, 4 each when all are below 2^32, else 8. A collection of ten million samples
// is served from such lists.
#ifndef AUGSTORE_ENGINE_STREAMS_ID_LIST_H_
#define AUGSTORE_ENGINE_STREAMS_ID_LIST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace augstore {

// May be read from any thread while no thread writes.
class IdList {
 public:
  // The number of elements that will be added, so that memory is taken once. REQUIRES: empty().
  void Reserve(size_t count) { expected_ = count; }
  void Add(uint64_t id);
  // REQUIRES: i < size().
  uint64_t operator[](size_t i) const {
    if (!wide_.empty()) return wide_[i];
    return narrow_.empty() ? first_ + i : narrow_[i];
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Of memory.
  size_t bytes() const {
    return narrow_.capacity() * sizeof(uint32_t) + wide_.capacity() * sizeof(uint64_t);
  }

 private:
  size_t expected_ = 0;
  size_t size_ = 0;
  uint64_t first_ = 0;
  // At most one holds elements; none while they are first_, first_ + 1, ...
  std::vector<uint32_t> narrow_;
  std::vector<uint64_t> wide_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_ID_LIST_H_
