#include "server/metrics/process_metrics.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace augstore {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// The fields of /proc/self/stat after the name of the program, which may have spaces: the first is
// what proc(5) counts as field 3.
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// When the machine was started, in Unix seconds.
std::optional<double> BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string name, rest; file >> name && std::getline(file, rest);) {
    if (name == "btime") return std::stod(rest);
  }
  return std::nullopt;
}

void AddStatMetrics(MetricsText* text) {
  constexpr size_t kStartTime = 22 - 3;
  constexpr size_t kVirtualBytes = 23 - 3;
  constexpr size_t kResidentPages = 24 - 3;
  const std::vector<std::string> fields = StatFields();
  if (fields.size() <= kResidentPages) return;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (const std::optional<double> boot = BootTime()) {
    text->Gauge("process_start_time_seconds", "When the process was started, in Unix time.",
                *boot + std::stod(fields[kStartTime]) / ticks);
  }
  text->Gauge("process_virtual_memory_bytes", "Addresses that the process has mapped.",
              std::stod(fields[kVirtualBytes]));
  text->Gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.",
              std::stod(fields[kResidentPages]) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace

Result<std::optional<DiskSpace>> FindDiskSpace(const std::string& folder) {
  if (folder.empty()) return std::optional<DiskSpace>();
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) != 0) {
    return Unavailable("the free space of the store's file system cannot be read: {}",
                       std::strerror(errno));
  }
  return std::optional<DiskSpace>(
      {uint64_t{system.f_bavail} * system.f_frsize, uint64_t{system.f_blocks} * system.f_frsize});
}

void AddProcessMetrics(MetricsText* text) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    text->Counter("process_cpu_seconds_total", "Time that the process has computed, on all cores.",
                  Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  }
  std::error_code error;
  double descriptors = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++descriptors;
  }
  if (!error) text->Gauge("process_open_fds", "Descriptors that are open.", descriptors);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    text->Gauge("process_max_fds", "Descriptors that may be open.",
                static_cast<double>(limit.rlim_cur));
  }
  AddStatMetrics(text);
}

}  // namespace augstore
