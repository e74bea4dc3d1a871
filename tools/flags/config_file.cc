#include "tools/flags/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "schemas/base/names.h"

namespace augstore {
namespace {

std::string KeyOf(const Flag& flag) { return flag.name().substr(2); }

bool IsText(const Flag& flag) { return flag.TypeText() != "N" && flag.TypeText() != "NUMBER"; }

// ": did you mean 'serve'?", or nothing when none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  for (const std::string& one : known) {
    if (EditDistance(word, one) <= std::max<size_t>(1, word.size() / 3))
      return fmt::format(": did you mean '{}'?", one);
  }
  return "";
}

bool TakesConfig(const Command& command) {
  return std::ranges::any_of(command.flags(),
                             [](const Flag& flag) { return flag.name() == kConfigFlag; });
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  // What the tables of `command`, and of the commands below it, say.
  Status Read(const Command& command, const toml::table& table,
              std::map<const Command*, ConfigValues>* values) const {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (const Command* below = command.Find(name)) {
        if (!node.is_table()) return Wrong(node, name, "is a command: write a table, [{}]", name);
        AUGSTORE_TRY(Read(*below, *node.as_table(), values));
        continue;
      }
      if (command.commands().empty() && !TakesConfig(command)) {
        return Wrong(node, name, "has no effect: {} reads no file", command.Path());
      }
      const auto flag = std::ranges::find_if(command.flags(), [&](const Flag& one) {
        return IsConfigurable(one) && KeyOf(one) == name;
      });
      if (flag == command.flags().end() || !command.commands().empty())
        return Unknown(command, node, name);
      AUGSTORE_ASSIGN((*values)[&command][flag->name()], ReadValue(*flag, node, name));
    }
    return OkStatus();
  }

 private:
  template <typename... Arguments>
  Status Wrong(const toml::node& node, const std::string& key,
               fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
    return InvalidArgument("{}:{}: '{}' {}", file_, node.source().begin.line, key,
                           fmt::format(what, std::forward<Arguments>(arguments)...));
  }

  Status Unknown(const Command& command, const toml::node& node, const std::string& name) const {
    std::vector<std::string> known;
    for (const Command& below : command.commands()) known.push_back(below.name());
    for (const Flag& flag : command.flags())
      if (command.commands().empty() && IsConfigurable(flag)) known.push_back(KeyOf(flag));
    const bool is_group = !command.commands().empty();
    return Wrong(node, name, "is no {} of {}{}", is_group ? "command" : "setting", command.Path(),
                 Nearest(name, known));
  }

  // A value, or one of an array.
  std::optional<std::string> TextOf(const Flag& flag, const toml::node& node) const {
    if (IsText(flag)) return node.value_exact<std::string>();
    if (const auto whole = node.value_exact<int64_t>()) return std::to_string(*whole);
    if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
    return std::nullopt;
  }

  Result<std::vector<std::string>> ReadValue(const Flag& flag, const toml::node& node,
                                             const std::string& name) const {
    std::vector<std::string> texts;
    if (flag.is_switch()) {
      const auto given = node.value_exact<bool>();
      if (!given.has_value()) return Wrong(node, name, "is true or false");
      if (*given) texts.emplace_back();
      return texts;
    }
    const toml::array* const array = node.as_array();
    const size_t count = array == nullptr ? 1 : array->size();
    if (array != nullptr && !flag.many()) return Wrong(node, name, "has one value: write no [ ]");
    for (size_t i = 0; i < count; ++i) {
      const std::optional<std::string> text =
          TextOf(flag, array == nullptr ? node : *array->get(i));
      if (!text.has_value()) {
        return Wrong(node, name, "is {}", IsText(flag) ? "a text: write it in ' '" : "a number");
      }
      const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
      if (std::ranges::any_of(*text, is_control)) {
        return Wrong(node, name, "has a control character");
      }
      if (!text->empty()) {
        texts.push_back(*text);
      } else if (array != nullptr) {
        return Wrong(node, name, "has an empty text: leave it out");
      }
    }
    const Status checked = texts.empty() ? OkStatus() : flag.Check(texts);
    if (!checked.ok()) return Wrong(node, name, "is refused: {}", checked.message());
    return texts;
  }

  const std::string file_;
};

// The value of `name` among `words`.
std::optional<std::string> Given(const std::vector<std::string>& words, const std::string& name) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(name + "=")) return words[i].substr(name.size() + 1);
  }
  return std::nullopt;
}

constexpr uintmax_t kMostBytes = 1 << 20;

// Errors: kNotFound, kInvalidArgument (no file, or one that is too large), kUnavailable.
Result<std::string> ReadText(const std::string& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return NotFound("there is no configuration '{}': correct {} or {}", file, kConfigFlag,
                    kConfigVariable);
  }
  if (!error && status.type() != std::filesystem::file_type::regular) {
    return InvalidArgument("'{}' is no file of settings, but a folder or a device", file);
  }
  const uintmax_t size = error ? 0 : std::filesystem::file_size(file, error);
  std::ifstream stream(file, std::ios::binary);
  if (error || !stream) {
    return Unavailable("the configuration '{}' cannot be read: {}", file,
                       error ? error.message() : std::strerror(errno));
  }
  if (size > kMostBytes) {
    return InvalidArgument("'{}' has {} bytes, and a file of settings at most {}", file, size,
                           kMostBytes);
  }
  return std::string{std::istreambuf_iterator<char>(stream), {}};
}

bool IsGiven(const Flag& flag, const std::vector<std::string>& words) {
  const bool by_word = std::ranges::any_of(words, [&](const std::string& word) {
    return word == flag.name() || word.starts_with(flag.name() + "=");
  });
  const std::string variable = VariableOf(flag);
  const char* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
  return by_word || (value != nullptr && *value != '\0');
}

}  // namespace

bool IsConfigurable(const Flag& flag) {
  static const std::set<std::string> kOfTheCommandLine = {kConfigFlag, "--json", "--quiet",
                                                          "--parent"};
  return !flag.positional() && !kOfTheCommandLine.contains(flag.name());
}

std::string VariableOf(const Flag& flag) {
  if (!flag.env().empty()) return flag.env();
  // Where the command itself reads it, its help says so.
  const size_t begin = flag.help().rfind("[AUGSTORE_");
  if (begin == std::string::npos || !flag.help().ends_with(']')) return "";
  return flag.help().substr(begin + 1, flag.help().size() - begin - 2);
}

Result<ConfigValues> ReadConfig(const Command& program, const std::string& file,
                                const Command& command) {
  AUGSTORE_ASSIGN(const std::string text, ReadText(file));
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    return InvalidArgument("{}:{}: no TOML: {}", file, parsed.error().source().begin.line,
                           std::string(parsed.error().description()));
  }
  std::map<const Command*, ConfigValues> values;
  AUGSTORE_TRY(Reader(file).Read(program, parsed.table(), &values));
  return values[&command];
}

Result<std::vector<std::string>> WithConfig(const Command& program,
                                            std::vector<std::string> words) {
  const Command* command = &program;
  for (const std::string& word : words) {
    if (command == nullptr || command->commands().empty()) break;
    command = command->Find(word);
  }
  const bool asks_help = std::ranges::any_of(
      words, [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (command == nullptr || asks_help) return words;
  if (!TakesConfig(*command)) return words;
  std::optional<std::string> file = Given(words, kConfigFlag);
  if (!file.has_value()) {
    // A server that another process starts for itself has the settings that it is given.
    if (Given(words, "--parent").has_value()) return words;
    const char* const named = std::getenv(kConfigVariable);
    if (named == nullptr || *named == '\0') return words;
    file = named;
  }
  AUGSTORE_ASSIGN(const ConfigValues values, ReadConfig(program, *file, *command));
  const std::vector<std::string> given = words;
  for (const Flag& flag : command->flags()) {
    const auto value = values.find(flag.name());
    if (value == values.end() || IsGiven(flag, given)) continue;
    for (const std::string& text : value->second) {
      words.push_back(flag.is_switch() ? flag.name() : flag.name() + "=" + text);
    }
  }
  return words;
}

std::string TomlText(const Flag& flag, const std::vector<std::string>& texts) {
  if (flag.is_switch()) return texts.empty() ? "false" : "true";
  std::vector<std::string> values;
  for (const std::string& text : texts) {
    std::string quoted = "\"";
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        continue;
      }
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    values.push_back(IsText(flag) ? quoted + '"' : text);
  }
  if (flag.many()) return fmt::format("[{}]", fmt::join(values, ", "));
  return values.empty() ? "\"\"" : values.back();
}

std::string SettingsJson(const Command& command, const ConfigValues& values,
                         const std::string& file) {
  nlohmann::ordered_json settings = nlohmann::ordered_json::array();
  for (const Flag& flag : command.flags()) {
    if (!IsConfigurable(flag)) continue;
    const std::vector<std::string> texts = flag.Texts();
    const std::string variable = VariableOf(flag);
    const char* const named = variable.empty() ? nullptr : std::getenv(variable.c_str());
    const auto found = values.find(flag.name());
    std::string source = "command line or default";
    if (found != values.end() && (found->second.empty() || found->second == texts)) source = file;
    if (named != nullptr && texts == std::vector<std::string>{named}) source = variable;
    settings.push_back(
        {{"name", flag.name().substr(2)}, {"value", TomlText(flag, texts)}, {"source", source}});
  }
  return nlohmann::ordered_json{{"settings", std::move(settings)}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string DefaultConfig(const Command& command) {
  std::string text = fmt::format(
      "# Settings of `{}`, each with its default: remove the '#' before one to change it. A flag "
      "that "
      "is given\n# comes first, then the environment, then this file.\n\n[{}]\n",
      command.Path(), command.name());
  for (const Flag& flag : command.flags()) {
    if (!IsConfigurable(flag)) continue;
    std::string help = flag.help();
    std::ranges::replace(help, '\n', ' ');
    text += fmt::format("\n# {}\n# {} = {}\n", help, KeyOf(flag), TomlText(flag, flag.Texts()));
  }
  return text;
}

}  // namespace augstore
