// Mutexes that clang's analysis of locks knows (-Wthread-safety; `tools/check tidy` runs it): it
// refuses code that touches a member without the mutex that guards it. The standard library's
// mutexes tell it nothing. For other compilers the macros are empty.
//
//   Mutex mutex_;
//   int count_ AUGSTORE_GUARDED_BY(mutex_) = 0;
//   void Add() AUGSTORE_REQUIRES(mutex_);       // the caller holds mutex_
//
// A lambda is a function of its own, for which no mutex is held: wait for a condition in a loop
// instead of passing a predicate.
#ifndef AUGSTORE_SCHEMAS_BASE_THREAD_ANNOTATIONS_H_
#define AUGSTORE_SCHEMAS_BASE_THREAD_ANNOTATIONS_H_

#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define AUGSTORE_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define AUGSTORE_THREAD_ATTRIBUTE(x)
#endif
#define AUGSTORE_GUARDED_BY(mutex) AUGSTORE_THREAD_ATTRIBUTE(guarded_by(mutex))
#define AUGSTORE_REQUIRES(...) AUGSTORE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define AUGSTORE_ACQUIRE(...) AUGSTORE_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define AUGSTORE_ACQUIRE_SHARED(...) \
  AUGSTORE_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define AUGSTORE_RELEASE(...) AUGSTORE_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace augstore {

class AUGSTORE_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() AUGSTORE_ACQUIRE() { mutex_.lock(); }
  void unlock() AUGSTORE_RELEASE() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds a mutex while it lives, but between unlock() and lock().
class AUGSTORE_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) AUGSTORE_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() AUGSTORE_RELEASE() = default;
  void lock() AUGSTORE_ACQUIRE() { lock_.lock(); }
  void unlock() AUGSTORE_RELEASE() { lock_.unlock(); }
  // For std::condition_variable to wait with: the mutex is held again after the wait.
  std::unique_lock<std::mutex>& native() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

// Several readers, or one writer.
class AUGSTORE_THREAD_ATTRIBUTE(capability("shared_mutex")) SharedMutex {
 private:
  friend class ReaderLock;
  friend class WriterLock;
  std::shared_mutex mutex_;
};

class AUGSTORE_THREAD_ATTRIBUTE(scoped_lockable) ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) AUGSTORE_ACQUIRE_SHARED(mutex) : lock_(mutex.mutex_) {}
  ~ReaderLock() AUGSTORE_RELEASE() = default;

 private:
  std::shared_lock<std::shared_mutex> lock_;
};

class AUGSTORE_THREAD_ATTRIBUTE(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) AUGSTORE_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~WriterLock() AUGSTORE_RELEASE() = default;

 private:
  std::unique_lock<std::shared_mutex> lock_;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_THREAD_ANNOTATIONS_H_
