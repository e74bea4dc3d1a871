// How many threads a computation may use. Thread-safe.
#ifndef AUGSTORE_ENGINE_MATH_COMPUTE_THREADS_H_
#define AUGSTORE_ENGINE_MATH_COMPUTE_THREADS_H_

namespace augstore {

// The processors that the system reports; 1 when it cannot tell.
int HardwareThreads();

// The OpenMP threads that Gemm uses when called from this thread; products that are too
// small to gain from several use one. Torch shares the setting, but its first operation in a thread
// resets it: code that uses Torch calls at::get_num_threads() before this. REQUIRES: threads >= 1.
void SetComputeThreads(int threads);
int ComputeThreads();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_COMPUTE_THREADS_H_
