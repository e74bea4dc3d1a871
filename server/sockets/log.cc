#include "server/sockets/log.h"

#include <fmt/chrono.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "schemas/base/thread_annotations.h"
#include "server/metrics/stream_json.h"

namespace augstore {

namespace {

// What begins the fields of an event instead of a message. No message begins so.
constexpr std::string_view kEvent = "{\"event\":";

// A name may have bytes that are no UTF-8.
constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

bool is_json = false;  // set before other threads log

class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const std::string_view payload(message.payload.data(), message.payload.size());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(message.time);
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(message.time - seconds);
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string fields =
        payload.starts_with(kEvent)
            ? std::string(payload.substr(1, payload.size() - 2))
            : "\"message\":" + nlohmann::json(payload).dump(-1, ' ', false, kReplace);
    fmt::format_to(std::back_inserter(line),
                   "{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\",\"level\":\"{}\",{}}}\n",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), rest.count(),
                   std::string_view(level.data(), level.size()), fields);
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

spdlog::logger& Log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    std::shared_ptr<spdlog::logger> registered = spdlog::get("augstore");
    if (registered != nullptr) return registered;
    return std::make_shared<spdlog::logger>("augstore",
                                            std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }();
  return *logger;
}

void ConfigureLog(LogFormat format, const std::string& level) {
  is_json = format == LogFormat::kJson;
  if (is_json) {
    Log().set_formatter(std::make_unique<JsonFormatter>());
  } else {
    Log().set_pattern("%+");  // spdlog's own
  }
  Log().set_level(spdlog::level::from_str(level));
}

void LogStream(const StreamActivity& stream) {
  const StreamDescription& of = stream.of;
  const std::chrono::duration<double> taken = stream.last.load() - stream.began;
  const double rate = static_cast<double>(stream.rows) / std::max(taken.count(), 1e-3);
  if (!is_json) {
    Log().info(
        "stream of {} with {}: {} '{}' {}, rank {} of {}: {} rows in {:.1f} s ({:.0f}/s), waited "
        "{:.1f} s for the server and {:.1f} s for the client{}",
        of.peer, of.who, of.collection, of.policy, of.fingerprint.Hex().substr(0, 12), of.rank,
        of.world_size, stream.rows.load(), taken.count(), rate, stream.wait_for_server.seconds(),
        stream.wait_for_client.seconds(),
        of.trace_id.empty() ? "" : fmt::format(", trace {}", of.trace_id));
    return;
  }
  nlohmann::ordered_json event = {{"event", "stream"}};
  event.update(StreamJson(stream, stream.last));
  event["rows_per_s"] = rate;
  Log().info("{}", event.dump(-1, ' ', false, kReplace));
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
