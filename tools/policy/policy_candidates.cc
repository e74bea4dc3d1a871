#include "tools/policy/policy_candidates.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/base/names.h"
#include "schemas/records/card_worth.h"
#include "tools/cli/record_text.h"
#include "tools/collection/proven_transform.h"

namespace augstore {
namespace {

using Transform = Versioned<TransformRecord>;

constexpr size_t kMaxCandidates = 256;

// The steps of chains that use every proven transform of the backbone. A conditional transform, of
// several ops or of a range, makes a step for each op.
Result<std::vector<std::string>> AllSteps(Client& client, const std::string& collection,
                                          const Digest& backbone) {
  AUGSTORE_ASSIGN(auto transforms, client.List<TransformRecord>());
  std::map<std::string, std::vector<Transform>> by_name;
  for (Transform& transform : transforms) {
    if (transform.record.backbone != backbone) continue;
    by_name[transform.name].push_back(std::move(transform));
  }
  std::vector<std::string> steps;
  for (const auto& [name, versions] : by_name) {
    AUGSTORE_ASSIGN(const Transform* transform, ChampionOrProven(client, versions));
    if (transform == nullptr) continue;
    if (transform->record.family != "conditional") {
      steps.push_back(transform->ref());
      continue;
    }
    for (const std::string& op : SplitAtCommas({transform->record.op}))
      steps.push_back(transform->ref() + "[" + op + "]");
  }
  if (!steps.empty()) return steps;
  if (!by_name.empty()) {
    return FailedPrecondition(
        "no transform for the backbone of {} is proven, so there is no policy to try: train on "
        "more "
        "images, or name versions with --transforms",
        collection);
  }
  return FailedPrecondition(
      "no transform is registered for the backbone of {}, so there is no policy to try: `augstore "
      "transform train` makes one",
      collection);
}

Result<std::vector<std::string>> Policies(Client& client,
                                          const Versioned<CollectionRecord>& collection,
                                          const PolicySearchFlags& flags) {
  AUGSTORE_ASSIGN(std::vector<std::string> policies, SplitPolicies(flags.candidates));
  if (!policies.empty() && flags.transforms.empty()) return policies;
  std::vector<std::string> steps = flags.transforms;
  if (steps.empty()) {
    AUGSTORE_ASSIGN(steps, AllSteps(client, collection.ref(), collection.record.backbone));
  }
  const NoiseChoice noise = flags.draw_errors == "no"    ? NoiseChoice::kNo
                            : flags.draw_errors == "yes" ? NoiseChoice::kYes
                                                         : NoiseChoice::kBoth;
  const std::vector<std::string> more = GeneratePolicies(steps, noise, flags.pairs);
  policies.insert(policies.end(), more.begin(), more.end());
  return policies;
}

// Multiply-adds of a pinned policy for one row, in expectation over its draws; `known` are those of
// transforms, by reference.
Result<double> CostOf(Client& client, const std::string& text,
                      std::map<std::string, double>* known) {
  AUGSTORE_ASSIGN(const PolicySpec policy, ParsePolicy(text));
  double sum = 0;
  double weights = 0;
  for (const PolicyEntry& entry : policy.entries) {
    weights += entry.weight;
    for (const ChainStep& step : entry.chain.steps) {
      const std::string ref = step.transform.ToString();
      if (!known->contains(ref)) {
        AUGSTORE_ASSIGN(const Transform transform, client.Get<TransformRecord>(ref));
        const uint64_t measured = transform.record.card.multiply_adds;
        (*known)[ref] =
            static_cast<double>(measured > 0 ? measured : MultiplyAdds(transform.record.layers));
      }
      sum += entry.weight * known->at(ref);
    }
  }
  return sum / weights;
}

}  // namespace

std::string EvenPolicy(const std::vector<std::string>& steps) {
  std::string policy = "identity:1";
  for (const std::string& step : steps) policy += "," + step + ":1";
  return policy;
}

std::vector<std::string> GeneratePolicies(const std::vector<std::string>& transforms,
                                          NoiseChoice noise, size_t pairs) {
  std::vector<std::string> policies = {"identity"};
  for (const bool with_noise : {false, true}) {
    if (noise != NoiseChoice::kBoth && with_noise != (noise == NoiseChoice::kYes)) continue;
    std::vector<std::string> steps;
    steps.reserve(transforms.size());
    for (const std::string& transform : transforms)
      steps.push_back(transform + (with_noise ? "~" : ""));
    for (const std::string& step : steps) {
      policies.push_back(EvenPolicy({step}));
      policies.push_back("identity:3," + step + ":1");
    }
    size_t left = steps.size() > 2 ? pairs : 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      for (size_t j = i + 1; j < steps.size() && left > 0; ++j, --left)
        policies.push_back(EvenPolicy({steps[i], steps[j]}));
    }
    if (steps.size() > 1) policies.push_back(EvenPolicy(steps));
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

Result<std::vector<PolicyCandidate>> PolicyCandidates(Client& client,
                                                      const Versioned<CollectionRecord>& collection,
                                                      const PolicySearchFlags& flags) {
  AUGSTORE_ASSIGN(const std::vector<std::string> policies, Policies(client, collection, flags));
  std::vector<uint32_t> views = flags.views;
  std::ranges::sort(views);
  views.erase(std::unique(views.begin(), views.end()), views.end());
  std::vector<PolicyCandidate> candidates;
  candidates.reserve(views.size());
  for (const uint32_t count : views)
    candidates.push_back({.policy = "identity", .views = count, .cost = 0, .baseline = true});
  std::map<std::string, double> costs;  // of transforms
  for (const std::string& policy : policies) {
    StreamSpec spec = flags.runs.spec;
    spec.collection = collection.ref();
    spec.policy = policy;
    AUGSTORE_ASSIGN(const StreamReply stream, client.Call<StreamReply>(OpenStreamRequest{spec}));
    const bool nothing = stream.chains.size() == 1 && stream.chains[0] == "identity";
    const std::string& pinned = stream.spec.policy;
    if (nothing || std::ranges::count(candidates, pinned, &PolicyCandidate::policy) > 0) continue;
    AUGSTORE_ASSIGN(const double cost, CostOf(client, pinned, &costs));
    for (const uint32_t count : views)
      candidates.push_back({.policy = pinned, .views = count, .cost = cost});
  }
  if (candidates.size() <= kMaxCandidates) return candidates;
  return InvalidArgument(
      "{} candidates are more than {}: name fewer --candidates or --transforms, or fewer --views",
      candidates.size(), kMaxCandidates);
}

}  // namespace augstore
