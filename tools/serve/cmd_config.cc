// augstore config default | check | print: the file of settings that serve reads.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "schemas/base/address.h"
#include "tools/cli/command.h"
#include "tools/flags/config_file.h"

namespace augstore {
namespace {

struct ConfigFlags {
  std::string file;
  bool json = false;
};

const Command& Serve(const Command& program) {
  const Command* const serve = program.Find("serve");
  AUGSTORE_CHECK(serve != nullptr);
  return *serve;
}

bool IsSet(const ConfigValues& values, const char* name) {
  const auto given = values.find(name);
  return given != values.end() && !given->second.empty();
}

// As serve would refuse them.
Status CheckAddresses(const ConfigValues& values) {
  for (const char* name : {"--listen", "--http"}) {
    if (!IsSet(values, name)) continue;
    for (const std::string& text : values.at(name)) {
      const Result<Address> address = ParseAddress(text);
      AUGSTORE_TRY(address.status().WithContext(fmt::format("'{}'", name + 2)));
      if (address->kind == Address::Kind::kTls && !IsSet(values, "--tls-cert")) {
        return InvalidArgument("'{}': {} needs 'tls-cert' and 'tls-key'", name + 2, text);
      }
      const bool is_open = address->kind == Address::Kind::kTcp && !address->IsLoopback();
      if (is_open && !IsSet(values, "--insecure")) {
        return InvalidArgument("'{}': other machines reach {}: write tls:// and a certificate",
                               name + 2, text);
      }
    }
  }
  return OkStatus();
}

Status Check(const Command& program, const ConfigFlags& flags) {
  AUGSTORE_ASSIGN(const ConfigValues values, ReadConfig(program, flags.file, Serve(program)));
  AUGSTORE_TRY(CheckAddresses(values).WithContext(flags.file));
  Emit(flags.json, {{"file", flags.file}, {"settings", values.size()}},
       fmt::format("{}: {} settings of serve, nothing wrong\n", flags.file, values.size()));
  return OkStatus();
}

struct Setting {
  std::vector<std::string> texts;
  std::string from;
};

// What serve would take without flags.
Setting Effective(const Flag& flag, const ConfigValues& values, const std::string& file) {
  const std::string variable = VariableOf(flag);
  const char* const named = variable.empty() ? nullptr : std::getenv(variable.c_str());
  if (named != nullptr && *named != '\0') return {{named}, variable};
  const auto found = values.find(flag.name());
  if (found != values.end()) return {found->second, file};
  return {flag.Texts(), "default"};
}

Status Print(const Command& program, const ConfigFlags& flags) {
  const Command& serve = Serve(program);
  ConfigValues values;
  if (!flags.file.empty()) {
    AUGSTORE_ASSIGN(values, ReadConfig(program, flags.file, serve));
  }
  Json json = Json::object();
  std::string text = "[serve]\n";
  for (const Flag& flag : serve.flags()) {
    if (!IsConfigurable(flag)) continue;
    const std::string key = flag.name().substr(2);
    const Setting setting = Effective(flag, values, flags.file);
    const std::string value = TomlText(flag, setting.texts);
    // Of numbers, texts and arrays of them TOML is JSON.
    if (flags.json) json[key] = {{"value", Json::parse(value)}, {"from", setting.from}};
    text += fmt::format("{} = {}  # {}\n", key, value, setting.from);
  }
  Emit(flags.json, json, text);
  return OkStatus();
}

}  // namespace

void AddConfigCommands(Command* app) {
  Command* const group = app->AddGroup("config", "Settings of serve in a file");
  group->Add("default", "Print a file with every setting, its meaning and its default",
             "Example:\n  augstore config default > augstore.toml", [app] {
               std::fputs(DefaultConfig(Serve(*app)).c_str(), stdout);
               return OkStatus();
             });
  const auto check = std::make_shared<ConfigFlags>();
  Command* command =
      group->Add("check", "Say what is wrong with a file of settings, by file and line",
                 "Example:\n  augstore config check /etc/augstore/augstore.toml",
                 [app, check] { return Check(*app, *check); });
  command->AddFlag("file", &check->file, "The file").Required();
  command->AddFlag("--json", &check->json, "Print the result as JSON");
  const auto print = std::make_shared<ConfigFlags>();
  command = group->Add("print", "Print the settings that serve would take, and where each is from",
                       "Example:\n  augstore config print --config /etc/augstore/augstore.toml",
                       [app, print] { return Print(*app, *print); });
  command->AddFlag(kConfigFlag, &print->file, "File of settings").Env(kConfigVariable);
  command->AddFlag("--json", &print->json, "Print the result as JSON");
}

}  // namespace augstore
