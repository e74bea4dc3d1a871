#include "engine/math/compute_threads.h"

#include <omp.h>

#include <algorithm>
#include <thread>

#include "schemas/base/status.h"

namespace augstore {

int HardwareThreads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void SetComputeThreads(int threads) {
  AUGSTORE_CHECK(threads >= 1);
  omp_set_num_threads(threads);
}

int ComputeThreads() { return omp_get_max_threads(); }

}  // namespace augstore
