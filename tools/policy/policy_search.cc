#include "tools/policy/policy_search.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>

namespace augstore {
namespace {

constexpr double kJointLevel = 0.95;
constexpr uint32_t kShortestPart = 4;  // early rounds train at least one in so many epochs
constexpr uint32_t kMaxSeeds = 1000;
constexpr uint32_t kMaxEpochs = 1u << 20;

uint64_t CeilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

Status CheckOptions(const PolicySearchOptions& options) {
  if (options.seeds < 2 || options.seeds > kMaxSeeds) {
    return InvalidArgument("{} seeds: 2 to {} are needed, since one says nothing about spread",
                           options.seeds, kMaxSeeds);
  }
  if (options.epochs == 0 || options.epochs > kMaxEpochs) {
    return InvalidArgument("{} epochs: 1 to {} are possible", options.epochs, kMaxEpochs);
  }
  if (options.keep < 2) {
    return InvalidArgument("keeping one candidate in {} drops none: give at least 2", options.keep);
  }
  if (options.learning_rates == 0) return InvalidArgument("no learning rate was given");
  return OkStatus();
}

Status CheckCandidates(const std::vector<PolicyCandidate>& candidates) {
  const auto baselines = std::ranges::count_if(candidates, &PolicyCandidate::baseline);
  if (baselines == 0) return InvalidArgument("no candidate is without augmentation: add identity");
  if (static_cast<size_t>(baselines) == candidates.size()) {
    return InvalidArgument(
        "there is nothing to choose from: no candidate but identity; name policies such as "
        "'identity:1,vflip:1', or transforms");
  }
  return OkStatus();
}

std::vector<size_t> RoundSizes(size_t candidates, uint32_t keep) {
  std::vector<size_t> sizes = {candidates};
  while (sizes.back() > keep) sizes.push_back(CeilDiv(sizes.back(), keep));
  return sizes;
}

// The most views that `size` candidates and all baselines can have together.
uint64_t ViewsOf(const std::vector<PolicyCandidate>& candidates, size_t size) {
  std::vector<uint64_t> views;
  uint64_t sum = 0;
  for (const PolicyCandidate& candidate : candidates) {
    if (candidate.baseline) sum += candidate.views;
    if (!candidate.baseline) views.push_back(candidate.views);
  }
  std::ranges::sort(views, std::greater());
  for (size_t i = 0; i < std::min(size, views.size()); ++i) sum += views[i];
  return sum;
}

// The rounds as they are when the budget does not limit them, each with eta times the seeds of the
// one before.
std::vector<PolicyRound> NaturalRounds(const std::vector<PolicyCandidate>& candidates,
                                       const PolicySearchOptions& options) {
  const auto augmented =
      static_cast<size_t>(std::ranges::count(candidates, false, &PolicyCandidate::baseline));
  std::vector<PolicyRound> rounds;
  for (const size_t size : RoundSizes(augmented, options.keep))
    rounds.push_back({.candidates = size, .epochs = options.epochs});
  uint64_t divisor = 1;
  for (size_t r = rounds.size(); r-- > 0;) {
    rounds[r].seeds = static_cast<uint32_t>(CeilDiv(options.seeds, divisor));
    divisor = std::min<uint64_t>(divisor * options.keep, kMaxSeeds);
  }
  return rounds;
}

uint64_t HeadEpochs(const PolicyRound& round, uint64_t views, uint32_t learning_rates) {
  return views * learning_rates * round.seeds * round.epochs;
}

// The state of a search, from round to round.
class Search {
 public:
  Search(const std::vector<PolicyCandidate>& candidates, const PolicySearchOptions& options,
         const TrainPolicy& train)
      : candidates_(candidates), options_(options), train_(train), entries_(candidates.size()) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      entries_[i].candidate = candidates[i];
      (candidates[i].baseline ? baselines_ : active_).push_back(i);
    }
  }

  Status Round(const PolicyRound& round, size_t index, uint64_t first_seed) {
    active_.resize(std::min(active_.size(), round.candidates));
    for (const std::vector<size_t>& group : {baselines_, active_}) {
      for (const size_t i : group) AUGSTORE_TRY(Train(i, round, index, first_seed));
    }
    Compare();
    std::ranges::stable_sort(active_, [&](size_t a, size_t b) { return Better(a, b); });
    return OkStatus();
  }

  PolicySearchResult Finish(std::vector<PolicyRound> rounds) {
    PolicySearchResult result;
    for (RankedPolicy& entry : entries_) {
      if (entry.rounds < rounds.size()) entry.verdict = PolicyVerdict::kDropped;
    }
    std::vector<size_t> order(entries_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) {
      if (entries_[a].rounds != entries_[b].rounds) return entries_[a].rounds > entries_[b].rounds;
      return Better(a, b);
    });
    for (const size_t i : order) result.ranking.push_back(entries_[i]);
    const auto better =
        std::ranges::find(result.ranking, PolicyVerdict::kBetter, &RankedPolicy::verdict);
    const auto chosen =
        better != result.ranking.end()
            ? better
            : std::ranges::find(result.ranking, PolicyVerdict::kBaseline, &RankedPolicy::verdict);
    result.recommended = static_cast<size_t>(chosen - result.ranking.begin());
    result.rounds = std::move(rounds);
    result.head_epochs = spent_;
    return result;
  }

 private:
  Status Train(size_t i, const PolicyRound& round, size_t index, uint64_t first_seed) {
    const uint32_t passes = round.epochs * candidates_[i].views;
    AUGSTORE_ASSIGN(std::vector<Matrix> hits,
                    train_({&candidates_[i], index, first_seed, round.seeds, passes}));
    AUGSTORE_CHECK(hits.size() == options_.learning_rates);
    spent_ += uint64_t{passes} * round.seeds * options_.learning_rates;
    RankedPolicy& entry = entries_[i];
    entry.rounds = index + 1;
    entry.seeds = round.seeds;
    entry.epochs = round.epochs;
    entry.accuracy.mean = -1;
    for (size_t rate = 0; rate < hits.size(); ++rate) {
      AUGSTORE_CHECK(hits[rate].rows() == round.seeds && hits[rate].cols() > 0);
      const MeanSd accuracy = Summarise(RowMeans(hits[rate]));
      if (accuracy.mean <= entry.accuracy.mean) continue;
      entry.accuracy = accuracy;
      entry.learning_rate = rate;
    }
    hits_[i] = std::move(hits[entry.learning_rate]);
    return OkStatus();
  }

  void Compare() {
    const size_t best =
        *std::ranges::min_element(baselines_, [&](size_t a, size_t b) { return Better(a, b); });
    const double level = 1 - (1 - kJointLevel) / static_cast<double>(active_.size());
    for (const std::vector<size_t>& group : {baselines_, active_}) {
      for (const size_t i : group) {
        RankedPolicy& entry = entries_[i];
        entry.difference = PairedDifference(hits_[i], hits_[best], level);
        entry.verdict = candidates_[i].baseline     ? PolicyVerdict::kBaseline
                        : entry.difference.low > 0  ? PolicyVerdict::kBetter
                        : entry.difference.high < 0 ? PolicyVerdict::kWorse
                                                    : PolicyVerdict::kUnclear;
      }
    }
  }

  bool Better(size_t a, size_t b) const {
    if (entries_[a].accuracy.mean != entries_[b].accuracy.mean)
      return entries_[a].accuracy.mean > entries_[b].accuracy.mean;
    return entries_[a].candidate.cost < entries_[b].candidate.cost;
  }

  const std::vector<PolicyCandidate>& candidates_;
  const PolicySearchOptions& options_;
  const TrainPolicy& train_;
  std::vector<RankedPolicy> entries_;  // by candidate
  std::vector<size_t> baselines_;
  std::vector<size_t> active_;                    // best first, after a round
  std::vector<Matrix> hits_{candidates_.size()};  // of the latest round and the best learning rate
  uint64_t spent_ = 0;
};

}  // namespace

Result<std::vector<PolicyRound>> PlanPolicySearch(const std::vector<PolicyCandidate>& candidates,
                                                  const PolicySearchOptions& options) {
  AUGSTORE_TRY(CheckOptions(options));
  AUGSTORE_TRY(CheckCandidates(candidates));
  std::vector<PolicyRound> rounds = NaturalRounds(candidates, options);
  std::vector<uint64_t> views;
  uint64_t early = 0;  // head epochs of all rounds but the last
  for (PolicyRound& round : rounds) {
    views.push_back(ViewsOf(candidates, round.candidates));
    round.head_epochs = HeadEpochs(round, views.back(), options.learning_rates);
    early += round.head_epochs;
  }
  const uint64_t last = rounds.back().head_epochs;
  early -= last;
  if (options.budget == 0) return rounds;

  const uint64_t shortest = CeilDiv(options.epochs, kShortestPart);
  const uint64_t first = uint64_t{rounds[0].seeds} * options.epochs;
  const uint64_t needed = last + (rounds.size() == 1 ? 0 : CeilDiv(shortest * early, first));
  if (options.budget < needed) {
    return InvalidArgument(
        "a budget of {} head epochs is too little for {} policies beside identity: the last round "
        "alone takes {} ({} policies and identity, {} seeds, {} epochs); give at least {}, or "
        "fewer candidates, seeds or epochs; without a budget it would be {}",
        options.budget, rounds[0].candidates, last, rounds.back().candidates, options.seeds,
        options.epochs, needed, last + early);
  }
  for (size_t r = 0; r + 1 < rounds.size(); ++r) {
    PolicyRound& round = rounds[r];
    // What each policy of the round may spend on each view and learning rate.
    const double scale = static_cast<double>(options.budget - last) / static_cast<double>(early);
    const auto share = static_cast<uint64_t>(
        std::max(static_cast<double>(shortest), scale * round.seeds * round.epochs));
    round.seeds =
        static_cast<uint32_t>(std::clamp<uint64_t>(share / options.epochs, 1, options.seeds));
    round.epochs = static_cast<uint32_t>(std::min<uint64_t>(share, options.epochs));
    round.head_epochs = HeadEpochs(round, views[r], options.learning_rates);
  }
  return rounds;
}

std::string_view PolicyVerdictName(PolicyVerdict verdict) {
  static constexpr std::array kNames = {"baseline", "better", "unclear", "worse", "dropped"};
  return kNames.at(static_cast<size_t>(verdict));
}

Result<PolicySearchResult> SearchPolicies(const std::vector<PolicyCandidate>& candidates,
                                          const PolicySearchOptions& options,
                                          const TrainPolicy& train) {
  AUGSTORE_ASSIGN(std::vector<PolicyRound> rounds, PlanPolicySearch(candidates, options));
  Search search(candidates, options, train);
  uint64_t seed = options.first_seed;
  for (size_t r = 0; r < rounds.size(); ++r) {
    AUGSTORE_TRY(search.Round(rounds[r], r, seed));
    seed += rounds[r].seeds;
  }
  return search.Finish(std::move(rounds));
}

}  // namespace augstore
