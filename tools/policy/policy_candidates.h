// What a policy search is asked for, and the policies that it tries.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/policy/policy_runs.h"

namespace augstore {

// "identity:1,<step>:1,…".
std::string EvenPolicy(const std::vector<std::string>& steps);

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

struct PolicySearchFlags {
  CommonFlags common;
  PolicyRunsOptions runs;
  PolicySearchOptions search;
  std::vector<std::string> candidates;  // each policies separated by ';'
  std::vector<std::string> transforms;
  std::string draw_errors = "no";
  uint32_t pairs = 6;
  std::vector<uint32_t> views = {1};
};

// The policies that the flags ask for, every version pinned, each once; identity with each number
// of views comes first. Errors: kNotFound (a transform), kFailedPrecondition (a transform of
// another backbone; none is registered), kInvalidArgument (syntax; too many).
Result<std::vector<PolicyCandidate>> PolicyCandidates(Client& client,
                                                      const Versioned<CollectionRecord>& collection,
                                                      const PolicySearchFlags& flags);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_
