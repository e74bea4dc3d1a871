#include "schemas/records/lineage.h"

#include <algorithm>

#include "schemas/base/names.h"

namespace augstore {

std::vector<std::string> TransformsOf(const std::string& policy) {
  std::vector<std::string> refs;
  const Result<PolicySpec> parsed = ParsePolicy(policy);
  if (!parsed.ok()) return refs;
  for (const PolicyEntry& entry : parsed->entries) {
    for (const ChainStep& step : entry.chain.steps) {
      std::string ref = step.transform.ToString();
      if (std::ranges::find(refs, ref) == refs.end()) refs.push_back(std::move(ref));
    }
  }
  return refs;
}

std::string UseOf(const HeadLineage& lineage, RecordKind kind, std::string_view ref) {
  if (kind == RecordKind::kCollection && lineage.stream.collection == ref) {
    return fmt::format("was trained on {}", ref);
  }
  if (kind == RecordKind::kHead && lineage.init == ref) {
    return fmt::format("was trained from {}", ref);
  }
  if (kind == RecordKind::kTransform) {
    const std::vector<std::string> transforms = TransformsOf(lineage.stream.policy);
    if (std::ranges::find(transforms, ref) != transforms.end()) {
      return fmt::format("was trained with {}", ref);
    }
  }
  return "";
}

}  // namespace augstore
