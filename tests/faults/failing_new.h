// Memory that runs out on demand: this program's operator new, that of its libraries included.
#ifndef AUGSTORE_TESTS_FAULTS_FAILING_NEW_H_
#define AUGSTORE_TESTS_FAULTS_FAILING_NEW_H_

#include <cstdint>

namespace augstore {

// While it lives, the `number`-th allocation (from 1) of this thread throws std::bad_alloc, and
// with kFrom every one after it.
class FailingNew {
 public:
  enum class Kind { kOne, kFrom };
  FailingNew(Kind kind, uint64_t number);
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;
  // Whether an allocation has failed.
  static bool HasFailed();
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_FAULTS_FAILING_NEW_H_
