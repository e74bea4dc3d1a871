#include "tools/cli/delete_command.h"

#include <nlohmann/json.hpp>

#include "schemas/base/names.h"

namespace augstore {
namespace {

struct DeleteFlags {
  CommonFlags common;
  std::string ref;
  bool all_versions = false;
  bool cascade = false;
  bool dry_run = false;
};

std::string RefOf(const DeletedRecord& record) {
  return Ref{record.name, record.version, ""}.ToString();
}

std::string Line(const DeletedRecord& record) {
  std::string line = fmt::format("{} {}", RecordKindName(record.kind), RefOf(record));
  if (!record.alias.empty())
    line = fmt::format("alias {}, which {}", record.alias, record.reason);
  else if (!record.reason.empty())
    line += ", which " + record.reason;
  return line;
}

Status Delete(const DeleteFlags& flags, RecordKind kind) {
  AUGSTORE_ASSIGN(const Ref ref, ParseRef(flags.ref));
  if (ref.version == 0 && ref.alias.empty() && !flags.all_versions) {
    return InvalidArgument(
        "'{0}' names no version: say which one to delete, such as {0}@1, or give --all-versions",
        flags.ref);
  }
  if (flags.all_versions && (ref.version != 0 || !ref.alias.empty())) {
    return InvalidArgument("'{}' is one version: give --all-versions with a name alone, such as {}",
                           flags.ref, ref.name);
  }
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.dry_run ? StoreAccess::kRead : StoreAccess::kWrite));
  const DeleteRecordRequest request{kind, flags.ref, flags.cascade, flags.dry_run};
  AUGSTORE_ASSIGN(const DeletionReply reply, database->client().Call<DeletionReply>(request));
  Json deleted = Json::array();
  std::string text;
  for (const DeletedRecord& record : reply.records) {
    deleted.push_back({{"kind", RecordKindName(record.kind)},
                       {"ref", RefOf(record)},
                       {"alias", record.alias},
                       {"reason", record.reason}});
    text += fmt::format("{} {}\n", reply.applied ? "deleted" : "would delete", Line(record));
  }
  if (!reply.applied) text += "nothing was deleted\n";
  Emit(flags.common, {{"applied", reply.applied}, {"records", deleted}}, text);
  return OkStatus();
}

}  // namespace

void AddDeleteCommand(Command* group, RecordKind kind, const std::string& note) {
  const std::string name(RecordKindName(kind));
  AddCommand<DeleteFlags>(
      group, "delete", "Delete one version, or all (version numbers are not used again)",
      fmt::format("augstore {0} delete x@1 --store db --dry-run\n\n"
                  "Refused while an alias points to it or a head was made of it, unless --cascade. "
                  "{1}",
                  name, note),
      [name](Command* command, DeleteFlags* flags) {
        command->AddFlag(name, &flags->ref, "What to delete, such as x@1").Required();
        command->AddFlag("--all-versions", &flags->all_versions,
                         "Delete every version of a name that is given without one");
        command->AddFlag("--cascade", &flags->cascade,
                         "Delete what names it, too: aliases, and heads that were made of it");
        command->AddFlag("--dry-run", &flags->dry_run, "Only list what --cascade would delete");
      },
      [kind](const DeleteFlags& flags) { return Delete(flags, kind); });
}

}  // namespace augstore
