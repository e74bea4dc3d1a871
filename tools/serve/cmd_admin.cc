// augstore stats | verify | repair
#include <nlohmann/json.hpp>

#include "storage/rocksdb/rocksdb_repair.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/serve/verify_run.h"

namespace augstore {
namespace {

Status Stats(const CommonFlags&, Client& client) {
  AUGSTORE_ASSIGN(const StatsReply reply, client.Call<StatsReply>(StatsRequest{}));
  const Json stats = Json::parse(reply.json, nullptr, false);
  if (stats.is_discarded()) return Internal("the server's statistics are not JSON");
  PrintJson(stats);
  return OkStatus();
}

Status CheckAll(const CommonFlags& common, Client& client) {
  VerifyFindings found;
  Status status = VerifyEverything(client, !common.quiet, &found);
  if (!status.ok()) {
    // An error or Ctrl-C must not hide what was found before.
    for (const std::string& problem : found.problems) {
      std::fprintf(stderr, "damaged: %s\n", problem.c_str());
    }
    return status;
  }
  std::string text;
  for (const std::string& problem : found.problems) text += fmt::format("damaged: {}\n", problem);
  text += fmt::format("{} items checked, {} problems\n", found.checked, found.problems.size());
  Emit(common,
       {{"checked", found.checked}, {"problems", found.problems}, {"ok", found.problems.empty()}},
       text);
  if (found.problems.empty()) return OkStatus();
  return DataLoss("{} of the {} checked items are damaged, the first: {}", found.problems.size(),
                  found.checked, found.problems[0]);
}

Status Verify(const CommonFlags& common, Client& client) {
  const Status status = CheckAll(common, client);
  return status.ok() ? status : Status(status.code(), WithoutVerifyAdvice(status.message()));
}

struct RepairFlags {
  CommonFlags common;
  bool apply = false;
  bool rows = false;
};

std::string Describe(const RepairReport& report, const std::string& store, bool applied) {
  if (!report.needed) {
    return fmt::format("store '{}' has all {} entries of its log and tables: nothing to repair\n",
                       store, report.kept);
  }
  const std::string lost =
      report.acknowledged.has_value()
          ? fmt::format("{} acknowledged entries after them are lost", report.lost())
          : std::string("how many acknowledged entries are lost is not known, as the mark is gone");
  if (!applied) {
    return fmt::format(
        "store '{}' would keep its first {} entries; {}.\nNothing was changed. A backup may have "
        "more: "
        "if there is none, run this with --apply, then ingest again.\n",
        store, report.kept, lost);
  }
  return fmt::format("store '{}' has its first {} entries; {}. The damaged logs are in '{}'.\n",
                     store, report.kept, lost, report.logs);
}

// Images whose rows are damaged: they are told, and forgotten if that is asked for.
Status RepairRows(const RepairFlags& flags) {
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.apply ? StoreAccess::kWrite : StoreAccess::kRead));
  RepairRowsRequest request{"", flags.apply};
  uint64_t checked = 0;
  uint64_t images = 0;
  std::vector<std::string> problems;
  {
    Progress progress("repair", "items", 0, !flags.common.quiet);
    do {
      AUGSTORE_ASSIGN(const RepairRowsReply reply,
                      database->client().Call<RepairRowsReply>(request));
      for (const std::string& problem : reply.problems)
        problems.push_back(WithoutVerifyAdvice(problem));
      checked += reply.checked;
      images += reply.images;
      request.cursor = reply.cursor;
      progress.Update(checked, fmt::format("{} images lost", images));
      if (Interrupted()) return InterruptedStatus("run the same command again");
    } while (!request.cursor.empty());
  }
  std::string text;
  for (const std::string& problem : problems) text += fmt::format("damaged: {}\n", problem);
  if (images == 0) {
    text += "no image has lost its row: nothing to repair\n";
  } else if (flags.apply) {
    text += fmt::format(
        "{} images were forgotten: ingest or import them again (of stored views: `augstore view "
        "add`), and the new version of their "
        "collection points at the rows that are stored then\n",
        images);
  } else {
    text += fmt::format(
        "{} images have lost their rows. Nothing was changed: run this with --apply, then ingest "
        "or import them again\n",
        images);
  }
  Emit(flags.common,
       {{"images", images},
        {"applied", images > 0 && flags.apply},
        {"checked", checked},
        {"problems", problems}},
       text);
  return OkStatus();
}

Status Repair(const RepairFlags& flags) {
  if (flags.rows) return RepairRows(flags);
  AUGSTORE_ASSIGN(const std::string store, StoreFolder(flags.common));
  AUGSTORE_ASSIGN(const RepairReport report, RepairStore(store, flags.apply));
  Json json = {{"needed", report.needed},
               {"applied", report.needed && flags.apply},
               {"kept_entries", report.kept},
               {"lost_entries", nullptr}};
  if (report.acknowledged.has_value()) json["lost_entries"] = report.lost();
  Emit(flags.common, json, Describe(report, store, flags.apply));
  return OkStatus();
}

}  // namespace

void AddAdminCommands(Command* app) {
  AddCommand(app, "stats", "Sizes and counters of a store or a server, as JSON",
             "augstore stats --connect tcp://127.0.0.1:7411", Stats);
  AddCommand(app, "verify", "Check every checksum, digest and reference",
             "augstore verify --store db", Verify);
  AddCommand<RepairFlags>(
      app, "repair", "Bring a store that lost acknowledged writes back into use",
      "augstore repair --store db            what would be kept, and how much is lost\n"
      "augstore repair --store db --apply    keep that\n"
      "augstore repair --store db --rows     which images have lost their rows\n\n"
      "A store that lost the end or a part of its log, or its file MARK, is not opened,\n"
      "because what is missing would not be noticed. Repair keeps every write before the\n"
      "first that is missing, as it was, and nothing after it.\n\n"
      "With --rows, also through a server: images whose rows are in a damaged segment are\n"
      "forgotten, so that ingesting them again stores them anew. A damaged table of another\n"
      "kind needs a backup.",
      [](Command* command, RepairFlags* flags) {
        command->AddFlag("--apply", &flags->apply,
                         "Change the store (default: only say what would be)");
        command->AddFlag("--rows", &flags->rows,
                         "Repair rows that are damaged instead of writes that are missing");
      },
      Repair);
}

}  // namespace augstore
