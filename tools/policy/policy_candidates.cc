#include "tools/policy/policy_candidates.h"
#include "tools/collection/proven_transform.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "schemas/base/names.h"
#include "schemas/records/card_worth.h"
#include "tools/cli/record_text.h"
#include "tools/policy/policy_list.h"

namespace augstore {
namespace {

using Transform = Versioned<TransformRecord>;

constexpr size_t kMaxCandidates = 256;

// Pieces of `text` between separators that are outside of brackets.
std::vector<std::string> SplitOutside(const std::string& text, char separator) {
  std::vector<std::string> pieces(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c == separator && depth == 0)
      pieces.emplace_back();
    else
      pieces.back() += c;
  }
  return pieces;
}

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
    for (const std::string& op : SplitOutside(transform->record.op, ','))
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
  std::vector<std::string> steps;
  if (!flags.transforms.empty()) {
    steps = SplitOutside(flags.transforms, ',');
  } else {
    AUGSTORE_ASSIGN(steps, AllSteps(client, collection.ref(), collection.record.backbone));
  }
  const NoiseChoice noise = flags.draw_errors == "no"    ? NoiseChoice::kNo
                            : flags.draw_errors == "yes" ? NoiseChoice::kYes
                                                         : NoiseChoice::kBoth;
  const std::vector<std::string> more = GeneratePolicies(steps, noise, flags.pairs);
  policies.insert(policies.end(), more.begin(), more.end());
  return policies;
}

// Multiply-adds of a transform, by the name@version that a pinned step starts with.
class Costs {
 public:
  explicit Costs(Client* client) : client_(client) {}

  Result<double> Of(const std::string& step) {
    const std::string ref = step.substr(0, step.find_first_of("[~"));
    const auto known = costs_.find(ref);
    if (known != costs_.end()) return known->second;
    AUGSTORE_ASSIGN(const Transform transform, client_->Get<TransformRecord>(ref));
    const TransformRecord& record = transform.record;
    const uint64_t cost =
        record.card.multiply_adds > 0 ? record.card.multiply_adds : MultiplyAdds(record.layers);
    return costs_[ref] = static_cast<double>(cost);
  }

  // Of one row, in expectation over the policy's draws. REQUIRES: a pinned policy.
  Result<double> OfPolicy(const std::string& text) {
    AUGSTORE_ASSIGN(const PolicySpec policy, ParsePolicy(text));
    double sum = 0;
    double weights = 0;
    for (const PolicyEntry& entry : policy.entries) {
      weights += entry.weight;
      const std::string chain = entry.chain.ToString();
      if (chain == "identity") continue;
      for (const std::string& step : SplitOutside(chain, '>')) {
        AUGSTORE_ASSIGN(const double cost, Of(step));
        sum += entry.weight * cost;
      }
    }
    return sum / weights;
  }

 private:
  Client* client_;
  std::map<std::string, double> costs_;
};

}  // namespace

Result<std::vector<PolicyCandidate>> PolicyCandidates(Client& client,
                                                      const Versioned<CollectionRecord>& collection,
                                                      const PolicySearchFlags& flags) {
  AUGSTORE_ASSIGN(const std::vector<std::string> policies, Policies(client, collection, flags));
  std::vector<uint32_t> views = flags.views;
  std::ranges::sort(views);
  views.erase(std::unique(views.begin(), views.end()), views.end());
  std::vector<PolicyCandidate> candidates;
  for (const uint32_t count : views)
    candidates.push_back({.policy = "identity", .views = count, .cost = 0, .baseline = true});
  Costs costs(&client);
  for (const std::string& policy : policies) {
    StreamSpec spec = flags.runs.spec;
    spec.collection = collection.ref();
    spec.policy = policy;
    AUGSTORE_ASSIGN(const StreamReply stream, client.Call<StreamReply>(OpenStreamRequest{spec}));
    const bool nothing = stream.chains.size() == 1 && stream.chains[0] == "identity";
    const std::string& pinned = stream.spec.policy;
    if (nothing || std::ranges::count(candidates, pinned, &PolicyCandidate::policy) > 0) continue;
    AUGSTORE_ASSIGN(const double cost, costs.OfPolicy(pinned));
    for (const uint32_t count : views)
      candidates.push_back({.policy = pinned, .views = count, .cost = cost});
  }
  if (candidates.size() <= kMaxCandidates) return candidates;
  return InvalidArgument(
      "{} candidates are more than {}: name fewer --candidates or --transforms, or fewer --views",
      candidates.size(), kMaxCandidates);
}

}  // namespace augstore
