#include "tools/policy/policy_list.h"

#include <algorithm>

namespace augstore {
std::vector<std::string> GeneratePolicies(const std::vector<std::string>& transforms,
                                          NoiseChoice noise, size_t pairs) {
  std::vector<std::string> policies = {"identity"};
  for (const bool with_noise : {false, true}) {
    if (noise != NoiseChoice::kBoth && with_noise != (noise == NoiseChoice::kYes)) continue;
    std::vector<std::string> steps;
    for (const std::string& transform : transforms)
      steps.push_back(transform + (with_noise ? "~" : ""));
    for (const std::string& step : steps) {
      policies.push_back("identity:1," + step + ":1");
      policies.push_back("identity:3," + step + ":1");
    }
    size_t left = steps.size() > 2 ? pairs : 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      for (size_t j = i + 1; j < steps.size() && left > 0; ++j, --left)
        policies.push_back("identity:1," + steps[i] + ":1," + steps[j] + ":1");
    }
    if (steps.size() < 2) continue;
    policies.push_back("identity:1");
    for (const std::string& step : steps) policies.back() += "," + step + ":1";
  }
  return policies;
}

Result<std::vector<std::string>> SplitPolicies(const std::vector<std::string>& lists) {
  std::vector<std::string> policies;
  for (const std::string& list : lists) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(';', begin), list.size());
      const size_t first = list.find_first_not_of(" \t\n", begin);
      if (first >= end) {
        return InvalidArgument(
            "--candidates '{}' has an empty policy: separate policies by one ';', such as "
            "'identity:1,vflip:1;identity:1,rotate15:1'",
            list);
      }
      policies.push_back(list.substr(first, list.find_last_not_of(" \t\n", end - 1) - first + 1));
      begin = end + 1;
    }
  }
  return policies;
}

}  // namespace augstore
