#include "tools/flags/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "schemas/base/names.h"

namespace augstore {
namespace {

// ": did you mean 'ingest'?", or nothing when none of `known` is near.
std::string Suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto distance = [&](const std::string& one) { return EditDistance(word, one); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest == known.end() || distance(*nearest) > std::max<size_t>(1, word.size() / 3))
    return "";
  return fmt::format(": did you mean '{}'?", *nearest);
}

Status UnknownWord(const Command& command, const std::string& word) {
  std::vector<std::string> known;
  if (word.size() > 1 && word[0] == '-') {
    for (const Flag& flag : command.flags())
      if (!flag.positional()) known.push_back(flag.name());
    const std::string name = word.substr(0, word.find('='));
    if (std::ranges::find(known, name) != known.end())
      return InvalidArgument("{0} is before the command: write {1} {0} …", word, command.Path());
    return InvalidArgument("{} has no flag '{}'{}", command.Path(), name, Suggestion(name, known));
  }
  for (const Command& below : command.commands()) known.push_back(below.name());
  if (known.empty())
    return InvalidArgument("'{}' is one word too many for {}", word, command.Path());
  return InvalidArgument("{} has no command '{}'{}\nIts commands are: {}", command.Path(), word,
                         Suggestion(word, known), fmt::join(known, ", "));
}

void DeclareFlag(const Flag& flag, CLI::App* app, Status* failure) {
  if (flag.is_switch()) {
    app->add_flag_callback(
        flag.name(), [&flag] { static_cast<void>(flag.Set({})); }, flag.help());
    return;
  }
  const auto set = [&flag, failure](const CLI::results_t& texts) {
    const Status status = flag.Set(texts);
    if (!status.ok() && failure->ok()) *failure = status;
    return status.ok();
  };
  CLI::Option* option = app->add_option(flag.name(), set, flag.help());
  option->type_name(flag.TypeText())->required(flag.required());
  if (flag.many()) {
    option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(flag.positional());
  }
  if (!flag.env().empty()) option->envname(flag.env());
  const std::string standard = flag.DefaultText();
  if (!standard.empty()) option->default_str(standard);
}

void Fill(const Command& command, CLI::App* app, Status* failure) {
  if (!command.example().empty()) app->footer(command.example());
  for (const Flag& flag : command.flags()) DeclareFlag(flag, app, failure);
  for (const Command& below : command.commands())
    Fill(below, app->add_subcommand(below.name(), below.about()), failure);
  if (!command.commands().empty()) app->require_subcommand(1);
}

// The command that the words led to.
const Command& Innermost(const Command& program, const CLI::App& app) {
  const std::vector<CLI::App*> below = app.get_subcommands();
  if (below.empty()) return program;
  return Innermost(*program.Find(below.front()->get_name()), *below.front());
}

// What CLI11 says of a flag's number of values, in our words.
std::string MessageOf(const CLI::ParseError& error) {
  std::string text = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    const std::string flag = text.substr(0, text.find(':'));
    const bool twice = text.find("received") != std::string::npos;
    return flag + (twice ? " is given more than once: give it once" : " needs a value after it");
  }
  if (error.get_name() == "ConversionError") {
    const size_t flag = text.find("--");
    if (flag != std::string::npos)
      return text.substr(flag, text.find(' ', flag) - flag) + " takes no value: leave it out";
  }
  return text;
}

// Why the words were refused. What is unknown comes first: it explains what is missing.
Status Refusal(const Command& command, const std::vector<std::string>& unknown,
               const Status& failure, const std::string& message) {
  if (!unknown.empty()) {
    const auto flag =  // before a word: a flag that was mistyped leaves its value over as well
        std::ranges::find_if(unknown, [](const std::string& w) { return w.starts_with('-'); });
    const bool group = !command.commands().empty();
    return UnknownWord(command, group || flag == unknown.end() ? unknown.front() : *flag);
  }
  if (!failure.ok()) return failure;
  if (command.commands().empty()) return InvalidArgument("{}", message);
  std::vector<std::string> names;
  for (const Command& below : command.commands()) names.push_back(below.name());
  return InvalidArgument("{} needs a command, one of: {}", command.Path(), fmt::join(names, ", "));
}

// docs/cli.md describes these once for all commands.
const std::set<std::string> kCommonFlags = {"--store",  "--connect", "--key-file",
                                            "--memory", "--json",    "--quiet"};
// Of commands that have --connect; of serve they mean something else.
const std::set<std::string> kConnectFlags = {"--tls-ca", "--tls-cert", "--tls-key"};

bool IsCommon(const Command& command, const std::string& name) {
  const auto& flags = command.flags();
  const bool connects = std::any_of(flags.begin(), flags.end(),
                                    [](const Flag& flag) { return flag.name() == "--connect"; });
  return kCommonFlags.contains(name) || (connects && kConnectFlags.contains(name));
}

// Text as a cell of a table.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string FlagRow(const Flag& flag) {
  std::string name = flag.name();
  if (!flag.is_switch() && !flag.positional()) name += " " + flag.TypeText();
  std::string row = fmt::format("| `{}` | {}", Cell(name), Cell(flag.help()));
  if (!flag.env().empty()) row += fmt::format(" (environment: `{}`)", flag.env());
  const std::string standard = flag.DefaultText();
  return row + fmt::format(" | {} |\n", flag.required()    ? "required"
                                        : standard.empty() ? ""
                                                           : "`" + Cell(standard) + "`");
}

void AppendCommand(const Command& command, std::string* page) {
  for (const Command& below : command.commands()) AppendCommand(below, page);
  if (!command.commands().empty()) return;
  *page += fmt::format("\n### {}\n\n{}.\n\n", command.Path(), command.about());
  const std::string heading = "Example:\n  ";
  const std::string& example = command.example();
  const size_t begin = example.starts_with(heading) ? heading.size() : 0;
  if (!example.empty()) *page += fmt::format("```\n{}\n```\n\n", example.substr(begin));
  std::vector<std::string> common;
  std::string rows;
  for (const Flag& flag : command.flags()) {
    if (IsCommon(command, flag.name()))
      common.push_back("`" + flag.name() + "`");
    else
      rows += FlagRow(flag);
  }
  if (!rows.empty()) *page += "| flag | meaning | default |\n|---|---|---|\n" + rows;
  if (!common.empty())
    *page +=
        fmt::format("{}Common flags: {}.\n", rows.empty() ? "" : "\n", fmt::join(common, ", "));
}

}  // namespace

Result<CommandCall> ParseCommandLine(const Command& program,
                                     const std::vector<std::string>& words) {
  CLI::App app(program.about(), program.name());
  Status failure;
  Fill(program, &app, &failure);
  if (!program.version().empty()) app.set_version_flag("--version", program.version());
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // read from its end
  } catch (const CLI::CallForHelp&) {
    return CommandCall{.command = nullptr, .help = app.help()};
  } catch (const CLI::CallForVersion&) {
    return CommandCall{.command = nullptr, .help = program.version() + "\n"};
  } catch (const CLI::ParseError& error) {
    // Who asks for help gets it, also with a value that is refused, such as one of the environment.
    const bool asks = std::ranges::any_of(
        words, [](const std::string& word) { return word == "--help" || word == "-h"; });
    if (asks) return CommandCall{.command = nullptr, .help = app.help()};
    return Refusal(Innermost(program, app), app.remaining(true), failure, MessageOf(error));
  }
  return CommandCall{.command = &Innermost(program, app), .help = ""};
}

std::string MarkdownReference(const Command& program) {
  std::string page;
  AppendCommand(program, &page);
  return page;
}

}  // namespace augstore
