// A loop over several threads whose failures come back as a Status.
#ifndef AUGSTORE_TOOLS_COLLECTION_PARALLEL_FOR_H_
#define AUGSTORE_TOOLS_COLLECTION_PARALLEL_FOR_H_

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {

// Runs `body`, which returns a Status, for 0 to count - 1. After a failure no more are begun.
// Errors: the failure of the lowest index; kResourceExhausted (out of memory).
template <typename Body>
Status ParallelFor(size_t count, int threads, const Body& body) {
  std::atomic<size_t> next{0};
  Mutex mutex;
  Status failure;
  size_t failed = count;
  const auto run = [&](size_t i) {
    try {
      return body(i);
    } catch (const std::exception& error) {  // must not leave the thread
      return ResourceExhausted("{}", error.what());
    }
  };
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      Status status = run(i);
      if (status.ok()) continue;
      next = count;
      const MutexLock lock(mutex);
      if (i < failed) failure = std::move(status);
      failed = std::min(failed, i);
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (int t = 1; t < threads && static_cast<size_t>(t) < count; ++t) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // The system starts no more threads: those that run do it all.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  return failure;
}

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_PARALLEL_FOR_H_
