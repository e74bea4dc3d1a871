// augstore key create | ls | revoke | rotate
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "schemas/base/files.h"
#include "tools/cli/command.h"
#include "tools/cli/duration.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

struct CreateFlags {
  CommonFlags common;
  std::string role = "read";
  std::vector<std::string> scope;
  uint64_t expires_s = 0;  // from now; 0: never
  std::string note;
  std::string out;
};

struct IdFlags {
  CommonFlags common;
  std::string id;
  uint64_t grace_s = 0;  // of rotate
  std::string out;       // of rotate
};

Json ToJson(const KeyInfo& key) {
  return {{"id", key.id},
          {"role", RoleName(key.role)},
          {"scope", key.scope},
          {"note", key.note},
          {"created_unix_s", key.created_unix_s},
          {"expires_unix_s", key.expires_unix_s},
          {"revoked_unix_s", key.revoked_unix_s},
          {"previous_until_unix_s", key.previous_until_unix_s}};
}

std::string StateText(const KeyInfo& key) {
  const int64_t now = std::time(nullptr);
  if (key.revoked_unix_s != 0) return "revoked " + UtcText(key.revoked_unix_s);
  if (key.expires_unix_s == 0) return "valid";
  return fmt::format("{} {}", key.expires_unix_s <= now ? "expired" : "until",
                     UtcText(key.expires_unix_s));
}

// Makes the file of a secret before there is one, so that no secret is made that cannot be kept.
Status PrepareSecretFile(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const bool is_private = file >= 0 && ::fchmod(file, 0600) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (is_private) return OkStatus();
  return Unavailable("'{}' cannot be made for this user alone: {}: give --out another path", path,
                     std::system_category().message(error));
}

// The key goes to standard output alone, once: a script takes it from there.
Status Tell(const CommonFlags& common, const std::string& out, const KeyReply& made) {
  Json json = ToJson(made.key);
  std::string where = "it is shown this once";
  if (out.empty()) {
    json["key"] = made.text;
  } else {
    AUGSTORE_TRY(WriteFileAtomically(out, made.text + "\n"));
    json["file"] = out;
    where = fmt::format("it is in '{}'", out);
  }
  if (!common.json && !common.quiet) {
    std::fprintf(stderr, "key %s: role %s, %s; %s\n", made.key.id.c_str(),
                 std::string(RoleName(made.key.role)).c_str(),
                 made.key.scope.empty() ? "every collection" : made.key.scope.c_str(),
                 where.c_str());
  }
  Emit(common, json, out.empty() ? made.text + "\n" : "");
  return OkStatus();
}

Status Create(const CreateFlags& flags) {
  CreateKeyRequest request;
  AUGSTORE_ASSIGN(request.role, ParseRole(flags.role));
  request.scope = fmt::format("{}", fmt::join(flags.scope, " "));
  request.note = flags.note;
  if (flags.expires_s != 0) {
    request.expires_unix_s = std::time(nullptr) + static_cast<int64_t>(flags.expires_s);
  }
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  if (!flags.out.empty()) AUGSTORE_TRY(PrepareSecretFile(flags.out));
  AUGSTORE_ASSIGN(const KeyReply made, database->client().Call<KeyReply>(request));
  return Tell(flags.common, flags.out, made);
}

Status List(const CommonFlags& common, Client& client) {
  AUGSTORE_ASSIGN(const auto reply, client.Call<KeyListReply>(ListKeysRequest{}));
  Json list = Json::array();
  Table table({"key", "role", "scope", "state (UTC)", "created (UTC)", "note"});
  for (const KeyInfo& key : reply.keys) {
    list.push_back(ToJson(key));
    table.Row({key.id, std::string(RoleName(key.role)), key.scope.empty() ? "all" : key.scope,
               StateText(key), UtcText(key.created_unix_s), key.note});
  }
  Emit(common, {{"keys", list}},
       reply.keys.empty() ? "no keys: `augstore key create` makes one\n" : table.ToString());
  return OkStatus();
}

Status CheckIsId(const std::string& id) {
  const Result<Key> whole = ParseKey(id);
  if (!whole.ok()) return OkStatus();
  return InvalidArgument("a whole key is given: give its id alone, '{}'", whole->id);
}

Status Revoke(const IdFlags& flags) {
  AUGSTORE_TRY(CheckIsId(flags.id));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  AUGSTORE_TRY(database->client().Call<EndReply>(RevokeKeyRequest{flags.id}));
  Emit(flags.common, {{"revoked", flags.id}},
       fmt::format("key {} is revoked: it lets nobody in any more\n", flags.id));
  return OkStatus();
}

Status Rotate(const IdFlags& flags) {
  AUGSTORE_TRY(CheckIsId(flags.id));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  if (!flags.out.empty()) AUGSTORE_TRY(PrepareSecretFile(flags.out));
  const RotateKeyRequest request{flags.id, flags.grace_s};
  AUGSTORE_ASSIGN(const KeyReply made, database->client().Call<KeyReply>(request));
  return Tell(flags.common, flags.out, made);
}

void AddCreateFlags(Command* command, CreateFlags* flags) {
  command->AddFlag("--role", &flags->role, "What the key allows; each role includes those before")
      .Choices({"read", "write", "admin"});
  command
      ->AddFlag(
          "--scope", &flags->scope,
          "Collections that the key allows: a name, or a beginning and *; may be given several "
          "times (default: all)")
      .Commas();
  command->AddFlag("--expires", DurationInto(&flags->expires_s),
                   "How long it is valid: 90d, 12h, 30m or 45s (default: until it is revoked)");
  command->AddFlag("--note", &flags->note, "Whose it is, for `key ls`");
  command->AddFlag("--out", &flags->out, "File for the key, of mode 0600, instead of printing it");
}

}  // namespace

void AddKeyCommands(Command* app) {
  Command* group = app->AddGroup("key", "Make, list and end keys for TCP connections");
  AddCommand<CreateFlags>(
      group, "create", "Make a key, and print it once",
      "augstore key create --store db --role read --scope 'imagenet*' --expires 90d --out team.key",
      AddCreateFlags, Create);
  AddCommand(group, "ls", "List the keys, without their secrets", "augstore key ls --store db",
             List);
  const auto id = [](Command* command, IdFlags* flags) {
    command->AddFlag("key", &flags->id, "Id of the key, as `key ls` shows it").Required();
  };
  AddCommand<IdFlags>(group, "revoke", "End a key at once, also for running streams",
                      "augstore key revoke k3jd72na --store db", id, Revoke);
  AddCommand<IdFlags>(
      group, "rotate", "Make a new secret for a key, and end the old one",
      "augstore key rotate k3jd72na --connect unix:///srv/db/augstore.sock --grace 1h --out "
      "new.key",
      [id](Command* command, IdFlags* flags) {
        id(command, flags);
        command->AddFlag("--grace", DurationInto(&flags->grace_s),
                         "How long the old secret stays valid, such as 1h (default: not at all)");
        command->AddFlag("--out", &flags->out,
                         "File for the key, of mode 0600, instead of printing it");
      },
      Rotate);
}

}  // namespace augstore
