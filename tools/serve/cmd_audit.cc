// augstore audit: the lines of an audit log.
#include <fmt/chrono.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "server/access/audit_file.h"
#include "tools/cli/command.h"
#include "tools/cli/duration.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

struct AuditFlags {
  CommonFlags common;
  uint64_t since_s = 0;  // before now; 0: all
  bool failures = false;
};

// A text field of a line; empty when it has none.
std::string Field(const Json& line, const char* name) {
  const auto found = line.find(name);
  if (found == line.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

bool IsWanted(const Json& line, const AuditFlags& flags, const std::string& first) {
  if (!line.is_object()) return false;  // of a file that was cut by hand
  return Field(line, "time") >= first && (!flags.failures || Field(line, "outcome") != "Ok");
}

std::vector<std::string> Cells(const Json& line) {
  if (line.contains("lost")) {
    return {Field(line, "time"),  "", "", "", Field(line, "lost") + " lines lost", "",
            Field(line, "reason")};
  }
  const std::string reason = Field(line, "reason");
  return {Field(line, "time"),
          Field(line, "who"),
          Field(line, "what"),
          Field(line, "target"),
          Field(line, "outcome"),
          Field(line, "from"),
          reason.empty() ? Field(line, "result") : reason};
}

Status Audit(const AuditFlags& flags) {
  AUGSTORE_ASSIGN(const std::string store, StoreFolder(flags.common));
  std::string first;  // times are texts that sort
  if (flags.since_s != 0) {
    const auto since = std::chrono::system_clock::now() - std::chrono::seconds(flags.since_s);
    first = fmt::format("{:%Y-%m-%dT%H:%M:%S}",
                        fmt::gmtime(std::chrono::system_clock::to_time_t(since)));
  }
  if (!std::filesystem::is_directory(store)) {
    return NotFound("there is no store at '{}': correct --store", store);
  }
  Table table({"time (UTC)", "who", "what", "target", "outcome", "from", "result or reason"});
  for (const std::string& path : AuditFile::PathsIn(store)) {
    std::ifstream file(path);
    for (std::string text; std::getline(file, text);) {
      const Json line = Json::parse(text, nullptr, false);
      if (!IsWanted(line, flags, first)) continue;
      if (flags.common.json) {
        std::fprintf(stdout, "%s\n", text.c_str());
      } else {
        table.Row(Cells(line));
      }
    }
  }
  if (flags.common.json) return OkStatus();
  const std::string text =
      table.rows().empty() ? "nothing was written or refused\n" : table.ToString();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return OkStatus();
}

}  // namespace

void AddAuditCommand(Command* app) {
  AddCommand<AuditFlags>(
      app, "audit", "Show who wrote what, and who was refused what",
      "augstore audit --store db --since 24h --failures",
      [](Command* command, AuditFlags* flags) {
        command->AddFlag("--since", DurationInto(&flags->since_s),
                         "How far back: 90d, 12h, 30m or 45s (default: all that is kept)");
        command->AddFlag("--failures", &flags->failures, "Only what was refused or failed");
      },
      Audit);
}

}  // namespace augstore
