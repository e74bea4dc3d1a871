#include "engine/streams/id_list.h"

#include <algorithm>
#include <limits>

#include "schemas/base/status.h"

namespace augstore {
namespace {

// The elements so far, in a vector with room for all that are expected.
template <typename T>
std::vector<T> Copied(const IdList& ids, size_t expected) {
  std::vector<T> copied;
  copied.reserve(std::max(expected, ids.size() + 1));
  for (size_t i = 0; i < ids.size(); ++i) copied.push_back(static_cast<T>(ids[i]));
  return copied;
}

}  // namespace

void IdList::Add(uint64_t id) {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();  // nothing comes after it
  const bool dense = narrow_.empty() && wide_.empty();
  if (dense && id != kLast && (size_ == 0 || id == first_ + size_)) {
    if (size_ == 0) first_ = id;
    ++size_;
    return;
  }
  AUGSTORE_CHECK(narrow_.empty() || wide_.empty());
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  const bool fits = id <= kMost && (!dense || size_ == 0 || first_ + size_ - 1 <= kMost);
  if (wide_.empty() && fits) {
    if (dense) narrow_ = Copied<uint32_t>(*this, expected_);
    narrow_.push_back(static_cast<uint32_t>(id));
  } else {
    if (wide_.empty()) wide_ = Copied<uint64_t>(*this, expected_);
    narrow_ = {};
    wide_.push_back(id);
  }
  ++size_;
}

}  // namespace augstore
