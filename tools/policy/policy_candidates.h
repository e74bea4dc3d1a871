// What a policy search is asked for, and the policies that it tries.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/policy/policy_rounds.h"
#include "tools/policy/policy_runs.h"

namespace augstore {

struct PolicySearchFlags {
  CommonFlags common;
  PolicyRunsOptions runs;
  PolicySearchOptions search;
  std::vector<std::string> candidates;  // each policies separated by ';'
  std::string transforms;               // separated by commas
  std::string draw_errors = "no";
  uint32_t pairs = 6;
  std::vector<uint32_t> views = {1};
  uint64_t seed = 0;
};

// The policies that the flags ask for, every version pinned, each once; identity with each number
// of views comes first. Errors: kNotFound (a transform), kFailedPrecondition (a transform of
// another backbone; none is registered), kInvalidArgument (syntax; too many).
Result<std::vector<PolicyCandidate>> PolicyCandidates(Client& client,
                                                      const Versioned<CollectionRecord>& collection,
                                                      const PolicySearchFlags& flags);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_CANDIDATES_H_
