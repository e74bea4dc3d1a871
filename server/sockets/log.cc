#include "server/sockets/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "schemas/base/thread_annotations.h"

namespace augstore {

spdlog::logger& Log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    std::shared_ptr<spdlog::logger> registered = spdlog::get("augstore");
    if (registered != nullptr) return registered;
    return std::make_shared<spdlog::logger>("augstore",
                                            std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }();
  return *logger;
}

void WarnOfPeer(const std::string& text) {
  constexpr int kMostInASecond = 10;
  static Mutex mutex;
  static std::chrono::steady_clock::time_point second;
  static int logged = 0;
  static uint64_t left_out = 0;
  const MutexLock lock(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now - second >= std::chrono::seconds(1)) {
    second = now;
    logged = 0;
    if (left_out > 0) Log().warn("{} warnings like these were left out", left_out);
    left_out = 0;
  }
  if (++logged > kMostInASecond) {
    ++left_out;
  } else {
    Log().warn("{}", text);
  }
}

}  // namespace augstore
