#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

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

}  // namespace augstore
