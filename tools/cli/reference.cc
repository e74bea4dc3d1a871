#include "tools/cli/reference.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace augstore {
namespace {

// docs/cli.md describes these once for all commands.
const std::set<std::string> kCommonFlags = {"--store", "--connect", "--memory", "--json",
                                            "--quiet"};

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
    if (kCommonFlags.contains(flag.name()))
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

std::string MarkdownReference(const Command& program) {
  std::string page;
  AppendCommand(program, &page);
  return page;
}

}  // namespace augstore
