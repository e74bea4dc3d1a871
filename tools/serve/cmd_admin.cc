// augstore stats | verify
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

Status Stats(const CommonFlags& common) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(common));
  AUGSTORE_ASSIGN(const StatsReply reply, database->client().Call<StatsReply>(StatsRequest{}));
  const Json stats = Json::parse(reply.json, nullptr, false);
  if (stats.is_discarded()) return Internal("the server's statistics are not JSON");
  PrintJson(stats);
  return OkStatus();
}

Status Verify(const CommonFlags& common) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(common));
  std::vector<std::string> problems;
  uint64_t checked = 0;
  // An error or Ctrl-C must not hide what was found before.
  const auto tell = [&](Status status) {
    for (const std::string& problem : problems)
      std::fprintf(stderr, "damaged: %s\n", problem.c_str());
    return status;
  };
  {
    VerifyRequest request;
    Progress progress("verify", "items", 0, !common.quiet);
    do {
      const auto reply = database->client().Call<VerifyReply>(request);
      if (!reply.ok()) return tell(reply.status());
      problems.insert(problems.end(), reply->problems.begin(), reply->problems.end());
      checked += reply->checked;
      request.cursor = reply->cursor;
      progress.Update(checked, fmt::format("{} problems", problems.size()));
      if (Interrupted()) {
        return tell(InterruptedStatus(fmt::format("{} items were checked", checked)));
      }
    } while (!request.cursor.empty());
  }
  if (common.json) {
    PrintJson({{"checked", checked}, {"problems", problems}, {"ok", problems.empty()}});
  } else {
    for (const std::string& problem : problems) fmt::print("damaged: {}\n", problem);
    fmt::print("{} items checked, {} problems\n", checked, problems.size());
  }
  if (problems.empty()) return OkStatus();
  return DataLoss("{} of the {} checked items are damaged, the first: {}", problems.size(), checked,
                  problems[0]);
}

}  // namespace

void AddAdminCommands(CLI::App* app) {
  auto common = std::make_shared<CommonFlags>();
  AddCommonFlags(AddCommand(app, "stats", "Sizes and counters of a store or a server, as JSON",
                            "augstore stats --connect tcp://127.0.0.1:7411",
                            [common] { return Stats(*common); }),
                 common.get());
  AddCommonFlags(AddCommand(app, "verify", "Check every checksum, digest and reference",
                            "augstore verify --store db", [common] { return Verify(*common); }),
                 common.get());
}

}  // namespace augstore
