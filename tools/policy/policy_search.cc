#include "tools/policy/policy_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace augstore {
namespace {

constexpr double kJointLevel = 0.95;

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
      const MeanSd accuracy = Summarise(SeedMeans(hits[rate]));
      if (accuracy.mean <= entry.accuracy.mean) continue;
      entry.accuracy = accuracy;
      entry.learning_rate = rate;
    }
    hits_[i] = std::move(hits[entry.learning_rate]);
    return OkStatus();
  }

  static std::vector<double> SeedMeans(const Matrix& hits) {
    std::vector<double> means;
    for (size_t s = 0; s < hits.rows(); ++s) {
      const auto row = hits.row(s);
      means.push_back(std::accumulate(row.begin(), row.end(), 0.0) /
                      static_cast<double>(row.size()));
    }
    return means;
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

std::string_view PolicyVerdictName(PolicyVerdict verdict) {
  switch (verdict) {
    case PolicyVerdict::kBaseline:
      return "baseline";
    case PolicyVerdict::kBetter:
      return "better";
    case PolicyVerdict::kUnclear:
      return "unclear";
    case PolicyVerdict::kWorse:
      return "worse";
    case PolicyVerdict::kDropped:
      return "dropped";
  }
  AUGSTORE_CHECK(false);
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
