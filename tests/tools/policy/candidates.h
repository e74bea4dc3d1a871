// Candidates for tests of policy searches.
#ifndef AUGSTORE_TESTS_TOOLS_POLICY_CANDIDATES_H_
#define AUGSTORE_TESTS_TOOLS_POLICY_CANDIDATES_H_

#include <string>
#include <vector>

#include "tools/policy/policy_rounds.h"

namespace augstore {

// Identity, and p0, p1, … of rising cost.
inline std::vector<PolicyCandidate> Candidates(size_t augmented) {
  std::vector<PolicyCandidate> out = {{.policy = "identity", .baseline = true}};
  for (size_t i = 0; i < augmented; ++i)
    out.push_back({.policy = "p" + std::to_string(i), .cost = static_cast<double>(100 + i)});
  return out;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_TOOLS_POLICY_CANDIDATES_H_
