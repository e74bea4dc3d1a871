// The commands of the programs as plain data: names, help texts, flags and where their values go.
// command_line.h parses words by it.
#ifndef AUGSTORE_TOOLS_FLAGS_FLAGS_H_
#define AUGSTORE_TOOLS_FLAGS_FLAGS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// The pieces of all texts between commas that are outside of ( ) and [ ].
std::vector<std::string> SplitAtCommas(const std::vector<std::string>& texts);

// A flag (`--name`) or a positional argument (`name`) of a command. Each modifier returns the flag,
// so that they can be chained. Thread safety: none.
class Flag {
 public:
  // Reads the text of a flag into something that Value does not list.
  using Parser = std::function<Status(const std::string& text)>;
  // Where the value goes; its content before parsing is the default. A bool is true when the flag
  // is given. A vector collects the values of every mention; numbers are also separated by commas.
  using Value = std::variant<bool*, std::string*, double*, int*, uint32_t*, int64_t*, uint64_t*,
                             std::optional<std::string>*, std::optional<uint64_t>*,
                             std::vector<std::string>*, std::vector<float>*, std::vector<double>*,
                             std::vector<uint32_t>*, std::vector<uint64_t>*, Parser>;

  Flag(std::string name, Value value, std::string help);

  Flag& Required(bool required = true);
  Flag& Choices(std::vector<std::string> choices);  // of texts
  Flag& Range(double low, double high);             // of numbers, both ends included
  Flag& AtLeast(double low);
  Flag& Positive();                 // a whole number of at least 1, or a number above 0
  Flag& Env(std::string variable);  // which is read when the flag is not given
  Flag& Commas();                   // texts are separated by commas too
  Flag& Count(size_t count);        // so many values, no more and no fewer

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  const std::string& env() const { return env_; }
  bool required() const { return required_; }
  bool positional() const { return name_.rfind('-', 0) != 0; }
  bool is_switch() const { return std::holds_alternative<bool*>(value_); }
  bool many() const;  // whether it may be given several times
  // What a value looks like: "N", "NUMBER", "TEXT", or the choices: "best|all".
  std::string TypeText() const;
  // The default as --help shows it; empty when there is none, or when the help states it itself.
  std::string DefaultText() const;

  // The value now, one text for each; none where it is unset, false, or read by a Parser.
  std::vector<std::string> Texts() const;
  // Errors: those of Set, which it does not do.
  Status Check(const std::vector<std::string>& texts) const;
  // Stores what the user wrote, one text for each mention. Errors: kInvalidArgument, naming the
  // flag, the text and what is expected.
  Status Set(const std::vector<std::string>& texts) const;

 private:
  template <typename T>
  Status Parse(const std::string& text, T* value) const;
  Status CheckChoice(const std::string& text) const;
  std::string Expected(bool whole, double least, const std::string& most) const;

  std::string name_;
  Value value_;
  std::string help_;
  std::string env_;
  std::vector<std::string> choices_;
  std::optional<double> low_;
  std::optional<double> high_;
  bool above_low_ = false;  // low_ itself is not allowed, of numbers that are not whole
  bool required_ = false;
  bool commas_;
  size_t count_ = 0;  // 0: any number of values
};

// A command, or a group of commands below it. Thread safety: none.
class Command {
 public:
  using Body = std::function<Status()>;

  // `example`: what --help shows below the flags; may be empty. `body`: none for a group.
  Command(std::string name, std::string about, std::string example = "", Body body = nullptr);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // The command below this one; this one owns it.
  Command* Add(std::string name, std::string about, std::string example, Body body);
  Command* AddGroup(std::string name, std::string about);
  // What the flag --version prints; without it there is no such flag.
  void SetVersion(std::string text) { version_ = std::move(text); }
  Flag& AddFlag(std::string name, Flag::Value value, std::string help);
  // REQUIRES: the flag was added.
  Flag& GetFlag(const std::string& name);

  const std::string& name() const { return name_; }
  const std::string& about() const { return about_; }
  const std::string& version() const { return version_; }
  const std::string& example() const { return example_; }
  const Command* parent() const { return parent_; }
  const Body& body() const { return body_; }
  const std::deque<Flag>& flags() const { return flags_; }
  const std::list<Command>& commands() const { return commands_; }
  // "augstore head train".
  std::string Path() const;
  // The command of that name below this one; null when there is none.
  const Command* Find(const std::string& name) const;

 private:
  std::string name_;
  std::string about_;
  std::string example_;
  std::string version_;
  Body body_;
  Command* parent_ = nullptr;
  std::deque<Flag> flags_;  // references to its elements stay valid
  std::list<Command> commands_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_FLAGS_FLAGS_H_
