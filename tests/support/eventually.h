// Waiting for what another thread does.
#ifndef AUGSTORE_TESTS_SUPPORT_EVENTUALLY_H_
#define AUGSTORE_TESTS_SUPPORT_EVENTUALLY_H_

#include <chrono>
#include <thread>

namespace augstore {

inline constexpr std::chrono::seconds kTestPatience{60};  // only a broken program waits this long

// Waits until another thread has made `holds` true. False: it never did.
template <typename Predicate>
bool Eventually(const Predicate& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kTestPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_EVENTUALLY_H_
