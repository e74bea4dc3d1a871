#include "server/service/service_operate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "server/access/audit_file.h"

namespace augstore::handlers {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kAuditLines = 100;
constexpr uint32_t kMostAuditLines = 1000;

}  // namespace

Result<EndReply> StopStream(ServiceState& state, StopStreamRequest& message) {
  if (state.metrics.streams.StopStream(message.id)) return EndReply{};
  return NotFound("no stream has the id {}: it has ended, or was never there", message.id);
}

Result<JsonReply> ReadAudit(ServiceState& state, ReadAuditRequest& message) {
  if (state.audit == nullptr || state.folder.empty()) {
    return FailedPrecondition("this server keeps no audit log");
  }
  const uint32_t wanted = message.lines == 0 ? kAuditLines : message.lines;
  Json lines = Json::array();
  for (const std::string& text :
       AuditFile::LastLines(state.folder, std::min(wanted, kMostAuditLines))) {
    Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_object()) lines.push_back(std::move(line));  // else it was cut by hand
  }
  return JsonReply{Json{{"lines", std::move(lines)}}.dump()};
}

Result<JsonReply> Config(ServiceState& state, ConfigRequest&) {
  if (!state.settings.empty()) return JsonReply{state.settings};
  return FailedPrecondition("this server was not started with settings");
}

}  // namespace augstore::handlers
