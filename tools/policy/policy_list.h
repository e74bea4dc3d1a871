// The policies that a search tries, as texts.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_LIST_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

enum class NoiseChoice { kNo, kYes, kBoth };

// Returns the policies to try when only transforms are named, each a step of a chain ("vflip@2"):
// identity; one transform beside identity with weights 1:1 and 3:1; at most `pairs` pairs; all of
// them. With kYes, transforms draw an error ("vflip@2~"); with kBoth, every policy comes without
// and with.
std::vector<std::string> GeneratePolicies(const std::vector<std::string>& transforms,
                                          NoiseChoice noise, size_t pairs);

// "a:1,b:1;c:1" -> "a:1,b:1", "c:1"; blanks around policies are cut off. Errors: kInvalidArgument
// (an empty policy between semicolons).
Result<std::vector<std::string>> SplitPolicies(const std::vector<std::string>& lists);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_LIST_H_
