// Values of flags in a file of TOML, for commands that have the flag --config: a table for each
// command, and in it a key for each flag.
//
//   [serve]
//   listen = ["tls://0.0.0.0:7411"]
//   max-connections = 512
//
// A flag that is given comes before the environment, that before the file, and that before the
// default.
#ifndef AUGSTORE_TOOLS_FLAGS_CONFIG_FILE_H_
#define AUGSTORE_TOOLS_FLAGS_CONFIG_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "tools/flags/flags.h"

namespace augstore {

inline constexpr const char* kConfigFlag = "--config";
inline constexpr const char* kConfigVariable = "AUGSTORE_CONFIG";

// What a file says of one command: the texts of each flag, by its name; of a switch none.
using ConfigValues = std::map<std::string, std::vector<std::string>>;

// Checks the whole file, also what it says of other commands of `program`. Errors: kNotFound (no
// such file), kUnavailable (it cannot be read), kInvalidArgument (no TOML, an unknown table or key,
// a command that reads no file, a value of another type or out of range), with file and line.
Result<ConfigValues> ReadConfig(const Command& program, const std::string& file,
                                const Command& command);

// `words` and, if they are for a command that has --config, what the file that they or the
// environment name says of flags that neither gives. Errors: those of ReadConfig.
Result<std::vector<std::string>> WithConfig(const Command& program, std::vector<std::string> words);

// Whether a file may have the flag: one that says how to print, or who has started the process, is
// for the command line.
bool IsConfigurable(const Flag& flag);
// The environment variable that the flag is read from, if it has one.
std::string VariableOf(const Flag& flag);

// {"settings" [{"name", "value", "source"}]}: the flags of a running command, with what they came
// to and where from: a variable of the environment, `file`, or else the command line or the
// default.
std::string SettingsJson(const Command& command, const ConfigValues& values,
                         const std::string& file);

// A file with every flag of `command`, its meaning, and its default in a comment. REQUIRES: the
// flags have not been parsed.
std::string DefaultConfig(const Command& command);

// "[7411, 7412]", "true", "'photos'": the value of a flag in a file.
std::string TomlText(const Flag& flag, const std::vector<std::string>& texts);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_FLAGS_CONFIG_FILE_H_
