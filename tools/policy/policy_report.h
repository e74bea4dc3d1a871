// What a policy search prints.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_REPORT_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_REPORT_H_

#include <cstdint>
#include <string>

#include "tools/cli/command.h"
#include "tools/policy/policy_candidates.h"
#include "tools/policy/policy_search.h"

namespace augstore {

struct PolicySearchReport {
  std::string collection;  // ref
  uint64_t split_samples = 0;
  uint64_t validation_samples = 0;
  double seconds = 0;
  PolicySearchResult result;
};

std::string PolicySearchText(const PolicySearchFlags& flags, const PolicySearchReport& report);
Json PolicySearchJson(const PolicySearchFlags& flags, const PolicySearchReport& report);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_REPORT_H_
