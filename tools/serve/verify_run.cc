#include "tools/serve/verify_run.h"

#include "tools/cli/command.h"
#include "tools/cli/progress.h"

namespace augstore {

std::string WithoutVerifyAdvice(std::string text) {
  const std::string advice = "run `augstore verify`";
  const size_t begin = text.find(advice);
  if (begin == std::string::npos) return text;
  const size_t joint = text.find_last_not_of(" ,;:", begin - 1) + 1;
  return text.erase(joint, begin + advice.size() - joint);
}

Status VerifyEverything(Client& client, bool progress, VerifyFindings* findings) {
  VerifyRequest request;
  Progress line("verify", "items", 0, progress);
  do {
    AUGSTORE_ASSIGN(const VerifyReply reply, client.Call<VerifyReply>(request));
    for (const std::string& problem : reply.problems) {
      findings->problems.push_back(WithoutVerifyAdvice(problem));
    }
    findings->checked += reply.checked;
    request.cursor = reply.cursor;
    line.Update(findings->checked, fmt::format("{} problems", findings->problems.size()));
    if (Interrupted()) {
      return InterruptedStatus(fmt::format("{} items were checked", findings->checked));
    }
  } while (!request.cursor.empty());
  return OkStatus();
}

}  // namespace augstore
