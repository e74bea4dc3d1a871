// augstore backup create | ls | verify | restore | prune
#include <atomic>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>

#include "storage/backup/rocksdb_backup_list.h"
#include "storage/backup/rocksdb_restore.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"
#include "tools/serve/verify_run.h"

namespace augstore {
namespace {

constexpr std::chrono::milliseconds kPollPeriod{100};
constexpr int64_t kSecondsPerDay = 24 * 60 * 60;

std::string Bytes(uint64_t bytes) { return HumanBytes(static_cast<double>(bytes)); }

std::string Count(uint64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string Contents(const Json& backup) {
  return fmt::format("{}, {}, {}", Count(backup.value("collections", 0), "collection"),
                     Count(backup.value("transforms", 0), "transform"),
                     Count(backup.value("heads", 0), "head"));
}

// --- create ---

struct CreateFlags {
  CommonFlags common;
  std::string to;
  uint64_t rate_mb = 0;
};

// Asks how far the backup is until it has ended. Ctrl-C stops it.
Result<Json> WaitForBackup(Client& client, uint64_t run, bool progress) {
  std::optional<Progress> line;
  for (bool stopped = false;; std::this_thread::sleep_for(kPollPeriod)) {
    AUGSTORE_ASSIGN(const BackupReply reply, client.Call<BackupReply>(GetBackupRequest{run}));
    if (reply.code != 0) {
      const Status status(Code{reply.code}, reply.message);
      return stopped ? InterruptedStatus(status.message()) : status;
    }
    if (!reply.json.empty()) {
      Json backup = Json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
      if (!backup.is_object()) return Internal("the server's description of the backup is no JSON");
      return backup;
    }
    if (!line.has_value() && reply.total_bytes > 0) {
      if (progress) std::fprintf(stderr, "copying %s\n", Bytes(reply.total_bytes).c_str());
      line.emplace("backup", "bytes", reply.total_bytes, progress);
    }
    if (line.has_value()) line->Update(reply.copied_bytes);
    if (Interrupted() && !stopped) {
      AUGSTORE_TRY(client.Call<BackupReply>(StopBackupRequest{run}));
      stopped = true;
    }
  }
}

Status Create(const CreateFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kWrite, flags.to));
  if (!database->is_served() && flags.to.empty()) {
    return InvalidArgument("--to is missing: name a folder for the backups, on another device");
  }
  std::random_device random;
  const uint64_t run = uint64_t{random()} << 32 | random();
  AUGSTORE_TRY(database->client().Call<BackupReply>(
      StartBackupRequest{run, database->is_served() ? flags.to : "", flags.rate_mb * 1'000'000}));
  AUGSTORE_ASSIGN(const Json backup, WaitForBackup(database->client(), run, !flags.common.quiet));
  Emit(flags.common, backup,
       fmt::format("backup {}: {}, of which {} were copied; it holds {}\n", backup.value("id", 0),
                   Bytes(backup.value("bytes", uint64_t{0})),
                   Bytes(backup.value("copied_bytes", uint64_t{0})), Contents(backup)));
  return OkStatus();
}

// --- ls ---

// A folder of backups on this machine, or one of a server.
struct ListFlags {
  CommonFlags common;
  std::string from;
  uint32_t id = 0;
};

Result<Json> GetListing(const ListFlags& flags) {
  std::string text;
  if (flags.common.connect.empty() && !flags.from.empty()) {
    AUGSTORE_ASSIGN(text, BackupsJson(flags.from, flags.id));
  } else {
    AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kRead));
    if (!database->is_served()) {
      return InvalidArgument(
          "no backups are named: give --from DIR, or --connect ADDRESS for those of a server");
    }
    AUGSTORE_ASSIGN(BackupListReply reply, database->client().Call<BackupListReply>(
                                               ListBackupsRequest{flags.from, flags.id}));
    text = std::move(reply.json);
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Internal("the server's list of backups is no JSON");
  return json;
}

std::string VersionsText(const Json& backup) {
  Table table({"kind", "version", "samples", "digest"});
  for (const Json& version : backup.value("versions", Json::array())) {
    table.Row(
        {version.value("kind", ""),
         fmt::format("{}@{}", version.value("name", ""), version.value("version", 0)),
         version.contains("samples") ? std::to_string(version.value("samples", uint64_t{0})) : "",
         version.value("digest", "")});
  }
  return fmt::format("backup {} of store {}, {}\n{}", backup.value("id", 0),
                     backup.value("store_id", ""),
                     UtcText(backup.value("created_unix_s", int64_t{0})), table.ToString());
}

Status List(const ListFlags& flags) {
  AUGSTORE_ASSIGN(const Json json, GetListing(flags));
  if (flags.id != 0) {
    Emit(flags.common, json, VersionsText(json));
    return OkStatus();
  }
  Table table({"id", "made", "size", "copied", "holds"});
  for (const Json& backup : json.value("backups", Json::array())) {
    const std::string problem = backup.value("problem", "");
    const std::string id = std::to_string(backup.value("id", 0));
    if (!problem.empty()) {
      table.Row({id, "", "", "", "DAMAGED: " + problem});
      continue;
    }
    table.Row({id, UtcText(backup.value("created_unix_s", int64_t{0})),
               Bytes(backup.value("bytes", uint64_t{0})),
               Bytes(backup.value("copied_bytes", uint64_t{0})), Contents(backup)});
  }
  Emit(flags.common, json, table.rows().empty() ? "no complete backups\n" : table.ToString());
  return OkStatus();
}

// --- verify, restore, prune: of a folder on this machine ---

struct FolderFlags {
  bool json = false;
  bool quiet = false;
  std::string from;
  uint32_t id = 0;
};

void AddFolderFlags(Command* command, FolderFlags* flags) {
  command->AddFlag("--from", &flags->from, "Folder with the backups").Required();
  command->AddFlag("--json", &flags->json, "Print the result as JSON (keys: docs/cli.md)");
  command->AddFlag("--quiet", &flags->quiet, "No progress line");
}

// Runs `copy`, which tells `progress` how far it is, with a progress line. Ctrl-C stops it.
template <typename Copy>
Status WithProgress(const std::string& label, bool show, const Copy& copy) {
  CopyProgress progress;
  Status status;
  std::atomic<bool> is_done = false;
  std::thread worker([&] {
    status = copy(&progress);
    is_done = true;
  });
  {
    std::optional<Progress> line;
    while (!is_done) {
      std::this_thread::sleep_for(kPollPeriod / 5);
      if (!line.has_value() && progress.total_bytes > 0) {
        line.emplace(label, "bytes", progress.total_bytes, show);
      }
      if (line.has_value()) line->Update(progress.copied_bytes);
      if (Interrupted()) progress.stop = true;
    }
  }
  worker.join();
  return status.code() == Code::kUnavailable && Interrupted() ? InterruptedStatus(status.message())
                                                              : status;
}

// Everything in `store`: checksums, digests, references.
Status CheckStore(std::unique_ptr<Store> store, bool progress, const std::string& what,
                  uint64_t* checked) {
  AUGSTORE_ASSIGN(const auto database, Database::Over(std::move(store)));
  VerifyFindings found;
  AUGSTORE_TRY(VerifyEverything(database->client(), progress, &found));
  *checked = found.checked;
  if (found.problems.empty()) return OkStatus();
  return DataLoss("{}: {} of {} items are damaged, the first: {}", what, found.problems.size(),
                  found.checked, found.problems[0]);
}

struct VerifyFlags : FolderFlags {
  bool deep = false;
};

Status Verify(const VerifyFlags& flags) {
  AUGSTORE_ASSIGN(const std::vector<BackupEntry> entries, ListBackups(flags.from));
  Json checked = Json::array();
  for (const BackupEntry& entry : entries) {
    if (flags.id != 0 && entry.id != flags.id) continue;
    AUGSTORE_TRY(WithProgress(
        fmt::format("backup {}", entry.id), !flags.quiet,
        [&](CopyProgress* progress) { return VerifyBackup(flags.from, entry.id, progress); }));
    uint64_t items = 0;
    if (flags.deep) {
      AUGSTORE_ASSIGN(auto store, OpenBackup(flags.from, entry.id));
      AUGSTORE_TRY(CheckStore(std::move(store), !flags.quiet,
                              fmt::format("backup {} at '{}'", entry.id, flags.from), &items));
    }
    checked.push_back({{"id", entry.id}, {"items", items}});
  }
  if (checked.empty()) {
    return NotFound("there is no complete backup{} at '{}'",
                    flags.id == 0 ? "" : fmt::format(" {}", flags.id), flags.from);
  }
  Emit(flags.json, {{"backups", checked}, {"ok", true}},
       fmt::format("{} checked: all files{} are as they were\n", Count(checked.size(), "backup"),
                   flags.deep ? ", digests and references" : ""));
  return OkStatus();
}

struct RestoreFlags : FolderFlags {
  std::string store;
};

Status RestoreStore(const RestoreFlags& flags) {
  AUGSTORE_ASSIGN(const auto restore, Restore::Begin(flags.from, flags.id, flags.store));
  const BackupDescription& backup = restore->description();
  if (!flags.quiet) {
    std::fprintf(stderr, "restoring backup %u of %s: copying %s\n", backup.id,
                 UtcText(backup.created_unix_s).c_str(), Bytes(backup.bytes).c_str());
  }
  AUGSTORE_TRY(WithProgress("restore", !flags.quiet,
                            [&](CopyProgress* progress) { return restore->Copy(progress); }));
  uint64_t checked = 0;
  {
    AUGSTORE_ASSIGN(auto store, restore->Open());
    AUGSTORE_TRY(CheckStore(std::move(store), !flags.quiet,
                            fmt::format("what was restored to '{}'", flags.store), &checked));
  }
  AUGSTORE_TRY(restore->Finish());
  Emit(flags.json,
       {{"id", backup.id},
        {"store", flags.store},
        {"store_id", backup.store_id},
        {"created_unix_s", backup.created_unix_s},
        {"versions", backup.versions.size()},
        {"checked", checked}},
       fmt::format("restored backup {} to '{}': it holds the {} that the backup names, and all {} "
                   "checked items are as they were\n",
                   backup.id, flags.store, Count(backup.versions.size(), "version"), checked));
  return OkStatus();
}

struct PruneFlags : FolderFlags {
  std::optional<uint64_t> keep;
  std::string older_than;
  bool dry_run = false;
};

// Of "30d" or "12h".
Result<int64_t> ParseAge(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const bool is_age = error == std::errc() && value > 0 && value < 100'000;
  if (is_age && unit == "d") return value * kSecondsPerDay;
  if (is_age && unit == "h") return value * 60 * 60;
  return InvalidArgument("--older-than {}: write days or hours, such as 30d or 12h", text);
}

std::string Ids(const std::vector<uint32_t>& ids) {
  std::string text;
  for (const uint32_t id : ids) text += fmt::format("{}{}", text.empty() ? "" : ", ", id);
  return text.empty() ? "none" : text;
}

Status Prune(const PruneFlags& flags) {
  PruneRule rule;
  if (!flags.keep.has_value() && flags.older_than.empty()) {
    return InvalidArgument("say which backups go: --keep N, --older-than 30d, or both");
  }
  rule.keep_newest = flags.keep.value_or(1);
  if (!flags.older_than.empty()) {
    AUGSTORE_ASSIGN(const int64_t age, ParseAge(flags.older_than));
    rule.keep_since_unix_s =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) - age;
  }
  AUGSTORE_ASSIGN(const PruneReport report, PruneBackups(flags.from, rule, !flags.dry_run));
  Emit(flags.json,
       {{"removed", report.removed},
        {"kept", report.kept},
        {"freed_bytes", report.freed_bytes},
        {"dry_run", flags.dry_run}},
       fmt::format("{}: {} ({} freed); kept: {}\n", flags.dry_run ? "would remove" : "removed",
                   Ids(report.removed), Bytes(report.freed_bytes), Ids(report.kept)));
  return OkStatus();
}

}  // namespace

void AddBackupCommands(Command* app) {
  Command* group = app->AddGroup("backup", "Make, check, restore and remove backups of a store");
  AddCommand<CreateFlags>(
      group, "create", "Copy a store as it is now, beside its use",
      "augstore backup create --store db --to /backups/db\n"
      "  augstore backup create --connect tcp://127.0.0.1:7411 --rate 50    (to serve's "
      "--backup-dir)",
      [](Command* command, CreateFlags* flags) {
        command->AddFlag("--to", &flags->to,
                         "Folder for backups; with --connect the name of one below serve's "
                         "--backup-dir (default: that itself)");
        command
            ->AddFlag("--rate", &flags->rate_mb,
                      "MB a second at most (default: as fast as it goes)")
            .Range(0, 1e6);
      },
      Create);
  AddCommand<ListFlags>(
      group, "ls", "List complete backups, or what one of them holds",
      "augstore backup ls --from /backups/db --id 3",
      [](Command* command, ListFlags* flags) {
        command->AddFlag("--from", &flags->from,
                         "Folder with the backups; with --connect one below serve's --backup-dir");
        command->AddFlag("--id", &flags->id, "Show the versions that this backup holds");
      },
      List);
  AddCommand<VerifyFlags>(
      group, "verify", "Compare every file of all backups with its checksum",
      "augstore backup verify --from /backups/db --deep",
      [](Command* command, VerifyFlags* flags) {
        AddFolderFlags(command, flags);
        command->AddFlag("--id", &flags->id, "This backup alone");
        command->AddFlag("--deep", &flags->deep,
                         "Open each as well, and check digests and references as `verify` does");
      },
      Verify);
  AddCommand<RestoreFlags>(
      group, "restore", "Make a store from a backup, and check it",
      "augstore backup restore --from /backups/db --store db2",
      [](Command* command, RestoreFlags* flags) {
        AddFolderFlags(command, flags);
        command->AddFlag("--id", &flags->id, "Number of the backup (default: the newest)");
        command->AddFlag("--store", &flags->store, "Folder of the store: a new or an empty one")
            .Required();
      },
      RestoreStore);
  AddCommand<PruneFlags>(
      group, "prune", "Remove old backups; the newest that is whole always stays",
      "augstore backup prune --from /backups/db --keep 7 --older-than 30d --dry-run",
      [](Command* command, PruneFlags* flags) {
        AddFolderFlags(command, flags);
        command->AddFlag("--keep", &flags->keep, "Keep this many of the newest");
        command->AddFlag("--older-than", &flags->older_than,
                         "Keep those that are younger, such as 30d or 12h");
        command->AddFlag("--dry-run", &flags->dry_run, "Only say what would be removed");
      },
      Prune);
}

}  // namespace augstore
