// Lengths of time as people write them.
#ifndef AUGSTORE_TOOLS_CLI_DURATION_H_
#define AUGSTORE_TOOLS_CLI_DURATION_H_

#include <cstdint>
#include <string>

#include "tools/flags/flags.h"

namespace augstore {

// "90d", "12h", "30m" or "45s", in seconds: at least 1, at most a hundred years. Errors:
// kInvalidArgument.
Result<uint64_t> ParseDuration(const std::string& text);
// Of a flag whose value goes to `seconds`.
Flag::Parser DurationInto(uint64_t* seconds);

// "34 s", "12 min" or "3.4 h": roughly, for people.
std::string DurationText(double seconds);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_DURATION_H_
