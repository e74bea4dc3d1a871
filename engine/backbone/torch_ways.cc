#include "engine/backbone/torch_ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <utility>
#include <vector>

#include "engine/backbone/torch_dependence.h"
#include "engine/math/unit_length.h"

namespace augstore {
namespace {

constexpr double kAsFast = 0.98;  // ways that are this near to the fastest are as fast
// Forms and orders are tried on the first of these that takes at most kBatchSeconds of CPU time.
constexpr uint32_t kFirstBatches[] = {8, 4, 2};
constexpr uint32_t kBatches[] = {8, 16, 4, 32, 1};
constexpr double kBatchSeconds = 0.2;
constexpr double kRoundSeconds = 0.05;  // of each way in each round, or one batch

double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Seconds of CPU time for each image.
double Time(torch::jit::Module& module, const at::Tensor& batch, int runs) {
  const double start = CpuSeconds();
  for (int i = 0; i < runs; ++i) Forward(module, batch);
  return (CpuSeconds() - start) / static_cast<double>(runs * batch.size(0));
}

struct Candidate {
  BackboneWay way;
  torch::jit::Module module;
  at::Tensor batch;
  double seconds = 0;  // of CPU time for an image: the median of `rounds`
  std::vector<double> rounds = {};
};

class Chooser {
 public:
  using Report = std::function<void(const std::string& what)>;
  Chooser(const std::string& path, uint32_t height, uint32_t width, const Report& report)
      : path_(path), height_(height), width_(width), report_(report) {}

  Result<ChosenWay> Choose() {
    AUGSTORE_TRY(AddForms());
    TimeByTurns();
    Candidate best = std::move(Best());
    candidates_.clear();
    AddBatches(std::move(best));
    TimeByTurns();
    Candidate& chosen = Best();
    chosen.way.images_per_second = 1 / chosen.seconds;
    return ChosenWay{chosen.way, chosen.module, unit_length_};
  }

 private:
  at::Tensor PatternFor(const BackboneWay& way) const {
    return PatternBatch({way.batch, height_, width_, way.channels_last});
  }

  // Errors: why the network itself cannot be run in any way.
  Status AddForms() {
    report_("timing a first batch");
    AUGSTORE_ASSIGN(torch::jit::Module plain, LoadForm(path_, BackboneForm::kFrozen));
    const at::Tensor two = PatternBatch({2, height_, width_});
    Forward(plain, two);
    const double seconds = Time(plain, two, 1);
    uint32_t batch = 0;
    for (const uint32_t count : kFirstBatches) {
      batch = count;
      if (count * seconds <= kBatchSeconds) break;
    }
    Status refused;
    for (const bool channels_last : {true, false}) {
      const BackboneWay way{BackboneForm::kFrozen, channels_last, batch};
      const Status status = Check({way, plain, PatternFor(way)});
      if (refused.ok()) refused = status;
    }
    if (candidates_.empty()) return refused;
    const BackboneOutput expected = Forward(plain, candidates_.front().batch);
    unit_length_ = HaveUnitLength({static_cast<const float*>(expected.z.data_ptr()),
                                   static_cast<size_t>(expected.z.size(0)),
                                   static_cast<size_t>(expected.z.size(1))});
    AddOptimised(batch, expected);
    return OkStatus();
  }

  // Torch may not be able to rewrite the network, and what it makes of it need not be the network.
  void AddOptimised(uint32_t batch, const BackboneOutput& expected) {
    try {
      Result<torch::jit::Module> module = LoadForm(path_, BackboneForm::kOptimised);
      if (!module.ok()) return;
      for (const bool channels_last : {true, false}) {
        const BackboneWay way{BackboneForm::kOptimised, channels_last, batch};
        const at::Tensor images = PatternFor(way);
        if (!CloseTo(Forward(*module, images), expected)) return;
        static_cast<void>(Check({way, *module, images}));
      }
    } catch (const std::exception&) {
      return;
    }
  }

  // Adds a candidate. Errors: why it is none.
  Status Check(Candidate candidate) {
    report_("checking " + candidate.way.ToString());
    const double start = CpuSeconds();
    const Dependence dependence = MeasureDependence(candidate.module, candidate.batch);
    AUGSTORE_TRY(CheckDependence(dependence));
    constexpr double kRuns = 3;  // of MeasureDependence, whose own work is little
    candidate.seconds = (CpuSeconds() - start) / (kRuns * candidate.way.batch);
    candidate.way.slot_difference = dependence.on_slot;
    candidates_.push_back(std::move(candidate));
    return OkStatus();
  }

  // The way that was best with other sizes of batches.
  void AddBatches(Candidate first) {
    const double seconds = first.seconds;
    const BackboneWay way = first.way;
    const torch::jit::Module module = first.module;
    candidates_.push_back(std::move(first));
    for (const uint32_t count : kBatches) {
      if (count == way.batch || (count > way.batch && count * seconds > kBatchSeconds)) continue;
      BackboneWay other = way;
      other.batch = count;
      static_cast<void>(Check({other, module, PatternFor(other)}));
    }
  }

  // Whoever is far behind is left out of the next round. The median counts, not the least: on a
  // machine with other work, that would be the way that was once left in peace.
  void TimeByTurns() {
    for (Candidate& candidate : candidates_) candidate.rounds.clear();
    for (const double behind : {0.6, 0.7, 0.8, 0.85, 0.9, 0.9, 0.9}) {
      const double least = Least();
      std::erase_if(candidates_,
                    [&](const Candidate& candidate) { return least < behind * candidate.seconds; });
      for (Candidate& candidate : candidates_) TimeOnce(candidate);
    }
  }

  void TimeOnce(Candidate& candidate) {
    report_("timing " + candidate.way.ToString());
    const double batch_seconds = candidate.seconds * candidate.way.batch;
    const int runs = std::clamp(static_cast<int>(kRoundSeconds / batch_seconds), 1, 100);
    std::vector<double>& rounds = candidate.rounds;
    rounds.push_back(Time(candidate.module, candidate.batch, runs));
    const auto middle = rounds.begin() + std::ssize(rounds) / 2;
    std::ranges::nth_element(rounds, middle);
    candidate.seconds = *middle;
  }

  double Least() const {
    return std::ranges::min_element(candidates_, {}, &Candidate::seconds)->seconds;
  }

  // Of the fastest ones the first for which slots do not matter, else the first.
  Candidate& Best() {
    const double enough = Least() / kAsFast;
    Candidate* best = nullptr;
    for (Candidate& candidate : candidates_) {
      if (candidate.seconds > enough) continue;
      const bool better =
          best != nullptr && candidate.way.slot_difference == 0 && best->way.slot_difference > 0;
      if (best == nullptr || better) best = &candidate;
    }
    return *best;
  }

  const std::string& path_;
  const uint32_t height_;
  const uint32_t width_;
  const Report& report_;
  std::vector<Candidate> candidates_;
  bool unit_length_ = false;
};

}  // namespace

Result<ChosenWay> ChooseWay(const std::string& path, uint32_t height, uint32_t width,
                            const std::function<void(const std::string& what)>& report) {
  return Chooser(path, height, width, report).Choose();
}

}  // namespace augstore
