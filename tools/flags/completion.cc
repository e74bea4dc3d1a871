#include "tools/flags/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace augstore {
namespace {

void ForEach(const Command& command, const std::function<void(const Command&)>& visit) {
  visit(command);
  for (const Command& below : command.commands()) ForEach(below, visit);
}

// "a|b|c" as "a b c"; empty where any value is possible.
std::string Choices(const Flag& flag) {
  std::string choices = flag.is_switch() ? "" : flag.TypeText();
  if (choices.find('|') == std::string::npos) return "";
  std::ranges::replace(choices, '|', ' ');
  return choices;
}

// What may follow: commands, flags, or the choices of what is no flag.
std::vector<std::string> WordsAfter(const Command& command) {
  std::vector<std::string> words;
  for (const Command& below : command.commands()) words.push_back(below.name());
  for (const Flag& flag : command.flags()) {
    if (!flag.positional()) {
      words.push_back(flag.name());
    } else if (!Choices(flag).empty()) {
      words.push_back(Choices(flag));
    }
  }
  words.emplace_back("--help");
  return words;
}

// The patterns of a shell's `case` that match the paths of all commands: "a b"|"a c".
std::string PathPatterns(const Command& program) {
  std::vector<std::string> paths;
  ForEach(program, [&](const Command& command) {
    if (command.parent() != nullptr) paths.push_back('"' + command.Path() + '"');
  });
  return fmt::format("{}", fmt::join(paths, "|"));
}

// The branches of a `case` on the path and, after it, on the path and the flag before; `format` has
// places for the pattern and the words.
std::string Branches(const Command& program, const std::string& format) {
  std::string text;
  ForEach(program, [&](const Command& command) {
    text += fmt::format(fmt::runtime(format), command.Path(), fmt::join(WordsAfter(command), " "));
  });
  return text;
}

std::string ChoiceBranches(const Command& program, const std::string& format) {
  std::string text;
  ForEach(program, [&](const Command& command) {
    for (const Flag& flag : command.flags()) {
      if (flag.positional() || Choices(flag).empty()) continue;
      text += fmt::format(fmt::runtime(format), command.Path() + " " + flag.name(), Choices(flag));
    }
  });
  return text;
}

std::string BashScript(const Command& program) {
  const std::string branch = "    \"{}\") words=\"{}\" ;;\n";
  return fmt::format(
      R"(# shellcheck shell=bash
# Made by `augstore completion bash`.
_augstore() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} at=augstore word words=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$at $word" in
      {}) at="$at $word" ;;
    esac
  done
  case "$at" in
{}  esac
  case "$at ${{COMP_WORDS[COMP_CWORD-1]}}" in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -F _augstore augstore
)",
      PathPatterns(program), Branches(program, branch), ChoiceBranches(program, branch));
}

std::string ZshScript(const Command& program) {
  const std::string branch = "    \"{}\") offered=({}) ;;\n";
  return fmt::format(
      R"(#compdef augstore
# Made by `augstore completion zsh`.
_augstore() {{
  local at=augstore word
  local -a offered
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$at $word" in
      {}) at="$at $word" ;;
    esac
  done
  case "$at" in
{}  esac
  case "$at ${{words[CURRENT-1]}}" in
{}  esac
  compadd -- $offered || _files
}}
_augstore "$@"
)",
      PathPatterns(program), Branches(program, branch), ChoiceBranches(program, branch));
}

// In ' ', which fish ends at a quote that is not escaped.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

std::string FishScript(const Command& program) {
  std::string paths;
  std::string lines;
  ForEach(program, [&](const Command& command) {
    if (command.parent() != nullptr) paths += " " + FishQuoted(command.Path());
    const std::string at =
        fmt::format("complete -c augstore -n 'test (__augstore_at) = \"{}\"'", command.Path());
    for (const Command& below : command.commands())
      lines += fmt::format("{} -f -a {} -d {}\n", at, below.name(), FishQuoted(below.about()));
    for (const Flag& flag : command.flags()) {
      if (flag.positional()) continue;
      lines += fmt::format("{} -l {}{}{} -d {}\n", at, flag.name().substr(2),
                           flag.is_switch() ? "" : " -r",
                           Choices(flag).empty() ? "" : " -f -a " + FishQuoted(Choices(flag)),
                           FishQuoted(flag.help()));
    }
  });
  return fmt::format(
      R"(# Made by `augstore completion fish`.
function __augstore_at
  set -l at augstore
  for word in (commandline -opc)[2..-1]
    contains -- "$at $word"{}; and set at "$at $word"
  end
  echo $at
end
{})",
      paths, lines);
}

// Text in roff: a '.' or '\'' at the start of a line, and '\\' and '-' anywhere, mean something
// else.
std::string Roff(const std::string& text) {
  std::string safe;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts = i == 0 || text[i - 1] == '\n';
    if (starts && (text[i] == '.' || text[i] == '\'')) safe += "\\&";
    if (text[i] == '\\') {
      safe += "\\e";
    } else if (text[i] == '-') {
      safe += "\\-";
    } else {
      safe += text[i];
    }
  }
  return safe;
}

std::string ManualOf(const Command& command) {
  std::string text = fmt::format(".SS {}\n{}.\n", Roff(command.Path()), Roff(command.about()));
  const std::string heading = "Example:\n";
  std::string example = command.example();
  if (example.starts_with(heading)) example.erase(0, heading.size());
  if (!example.empty()) text += fmt::format(".PP\n.nf\n{}\n.fi\n", Roff(example));
  for (const Flag& flag : command.flags()) {
    const std::string value = flag.is_switch() || flag.positional() ? "" : " " + flag.TypeText();
    text += fmt::format(".TP\n.B {}{}\n{}", Roff(flag.name()), Roff(value), Roff(flag.help()));
    const std::string standard = flag.DefaultText();
    if (!standard.empty()) text += fmt::format(" (default: {})", Roff(standard));
    if (!flag.env().empty()) text += fmt::format(" [{}]", Roff(flag.env()));
    text += '\n';
  }
  return text;
}

}  // namespace

Result<std::string> CompletionScript(const Command& program, const std::string& shell) {
  if (shell == "bash") return BashScript(program);
  if (shell == "zsh") return ZshScript(program);
  if (shell == "fish") return FishScript(program);
  return InvalidArgument("'{}' is no shell whose words can be completed: bash, zsh and fish are",
                         shell);
}

std::string ManualPage(const Command& program) {
  std::string text = fmt::format(
      ".TH AUGSTORE 1\n.SH NAME\naugstore \\- embeddings once per image, augmented on read\n"
      ".SH SYNOPSIS\n.B augstore\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      Roff(program.about()));
  ForEach(program, [&](const Command& command) {
    if (command.commands().empty()) text += ManualOf(command);
  });
  if (!program.example().empty()) text += ".SH EXIT STATUS\n" + Roff(program.example()) + "\n";
  return text;
}

}  // namespace augstore
