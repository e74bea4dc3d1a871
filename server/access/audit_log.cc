#include "server/access/audit_log.h"

#include <fmt/chrono.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "server/access/access.h"

namespace augstore {
namespace {

constexpr size_t kMostText = 1024;  // bytes of what a caller may have made long

std::string NowText() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(milliseconds / 1000),
                     milliseconds % 1000);
}

using Json = nlohmann::ordered_json;

// Names may hold anything that is no UTF-8.
std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string LineOf(const Principal& caller, const AuditEntry& entry) {
  Json json = {{"time", NowText()},
               {"who", caller.who},
               {"role", RoleName(caller.role)},
               {"from", caller.peer},
               {"what", entry.what},
               {"target", entry.target.substr(0, kMostText)},
               {"outcome", CodeName(entry.outcome.code())}};
  if (!entry.result.empty()) json["result"] = entry.result.substr(0, kMostText);
  if (!entry.outcome.ok()) json["reason"] = entry.outcome.message().substr(0, kMostText);
  return ToLine(json);
}

std::string LostLine(uint64_t lost, const std::string& why) {
  return ToLine({{"time", NowText()}, {"lost", lost}, {"reason", why}});
}

}  // namespace

bool IsRefusal(const Status& outcome) {
  return outcome.code() == Code::kUnauthenticated || outcome.code() == Code::kPermissionDenied;
}

bool AuditQueue::Push(std::string_view line) {
  {
    const MutexLock lock(mutex_);
    if (waiting_.lines.size() + line.size() <= most_bytes_) {
      waiting_.lines += line;
      ++waiting_.count;
      changed_.notify_one();
      return true;
    }
  }
  CountLost(1, "the device did not keep up");
  return false;
}

void AuditQueue::CountLost(uint64_t lines, std::string_view why) {
  all_lost_ += lines;
  const MutexLock lock(mutex_);
  waiting_.lost += lines;
  waiting_.why = why;
  changed_.notify_one();
}

void AuditQueue::Stop() {
  const MutexLock lock(mutex_);
  waiting_.stopped = true;
  changed_.notify_one();
}

AuditQueue::Taken AuditQueue::Take() {
  MutexLock lock(mutex_);
  while (waiting_.count == 0 && waiting_.lost == 0 && !waiting_.stopped) {
    changed_.wait(lock.native());
  }
  const bool stopped = waiting_.stopped;
  return std::exchange(waiting_, Taken{.lines = {}, .why = {}, .stopped = stopped});
}

AuditLog::AuditLog(const std::string& store_folder, uint64_t max_bytes)
    : file_(store_folder, max_bytes), thread_([this] { Run(); }) {}

AuditLog::~AuditLog() {
  queue_.Stop();
  thread_.join();
}

bool AuditLog::IsTooOften() {
  const MutexLock lock(failures_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    failures_ = 0;
  }
  return ++failures_ > kMostFailures;
}

void AuditLog::Add(const Principal& caller, const AuditEntry& entry) noexcept {
  try {
    if (!entry.outcome.ok() && IsTooOften()) {
      queue_.CountLost(1, "there were too many failures in a second");
    } else {
      queue_.Push(LineOf(caller, entry));
    }
  } catch (const std::exception&) {  // there is no memory for a line
    queue_.CountUnwritten();
  }
}

void AuditLog::Write(std::string_view lines) {
  const auto write = [this](const std::string_view line) {
    const Status written = file_.Append(line);
    if (!written.ok()) why_ = written.message();
    return written.ok();
  };
  // Without a line after it, that of what is missing is written all the same.
  do {
    const size_t end = lines.find('\n');
    const std::string_view line = end == lines.npos ? lines : lines.substr(0, end + 1);
    lines.remove_prefix(line.size());
    if (missing_ > 0 && write(LostLine(missing_, why_))) missing_ = 0;
    if (line.empty() || (missing_ == 0 && write(line))) continue;
    ++missing_;
    queue_.CountUnwritten();
  } while (!lines.empty());
}

void AuditLog::Run() {
  for (bool stopped = false; !stopped;) {
    const AuditQueue::Taken taken = queue_.Take();
    stopped = taken.stopped;
    missing_ += taken.lost;
    if (taken.lost > 0) why_ = taken.why;
    try {
      if (taken.count > 0 || missing_ > 0) Write(taken.lines);
    } catch (const std::exception&) {  // there is no memory for a line
      queue_.CountUnwritten();
    }
  }
}

}  // namespace augstore
