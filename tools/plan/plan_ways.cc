#include "tools/plan/plan_ways.h"

#include <algorithm>
#include <map>

#include "schemas/base/names.h"
#include "schemas/weights/dtype.h"
#include "schemas/weights/quantized_rows.h"
#include "tools/cli/progress.h"
#include "tools/cli/shell_word.h"
#include "tools/collection/proven_transform.h"
#include "tools/policy/policy_runs.h"

namespace augstore {
namespace {

// Validation images are shown so often, each time in a view drawn from those that are stored.
constexpr uint32_t kValidationDraws = 4;

// A step of a chain in the names of the user's database and in those of the trials.
struct Step {
  std::string name;  // of the transform alone, in the user's database
  std::string own;
  std::string trial;
  double multiply_adds = 0;
  bool has_errors = false;  // that it can draw
};

// Copies the transform of a step such as "geo@2[rotate(-30..30)]" to the trials.
Result<Step> CopyStep(const std::string& text, Trials& trials) {
  AUGSTORE_ASSIGN(ChainRef chain, ParseChain(text));
  if (chain.steps.size() != 1 || chain.view.has_value()) {
    return InvalidArgument(
        "--transforms '{}' is no single transform: name one such as 'vflip' or "
        "'geo[rotate(-30..30)]'",
        text);
  }
  Ref& ref = chain.steps[0].transform;
  Client& source = trials.source->client();
  AUGSTORE_ASSIGN(const auto transform,
                  GetTransform(source, ref.ToString(), trials.space().digest));
  if (transform.record.backbone != trials.space().digest) {
    return FailedPrecondition("transform '{}' is of another backbone than --backbone",
                              transform.ref());
  }
  Step step;
  AUGSTORE_ASSIGN(ref, ParseRef(transform.ref()));
  step.name = transform.ref();
  step.own = chain.ToString();
  AUGSTORE_ASSIGN(const std::string copy, CopyTransform(trials, transform.ref()));
  AUGSTORE_ASSIGN(ref, ParseRef(copy));
  step.trial = chain.ToString();
  step.multiply_adds = static_cast<double>(transform.record.card.multiply_adds);
  return step;
}

Status TryPolicy(const std::string& policy, const std::string& collection, Trials& trials) {
  StreamSpec spec;
  spec.collection = collection;
  spec.policy = policy;
  return trials.client().Call<StreamReply>(OpenStreamRequest{spec}).status();
}

// The proven transforms of the backbone that follow the law: conditional ones, and those of its one
// op where the law is fixed.
Result<std::vector<Step>> ProvenSteps(const ViewLaw& law, const std::string& collection,
                                      Trials& trials) {
  Client& source = trials.source->client();
  AUGSTORE_ASSIGN(auto transforms, source.List<TransformRecord>());
  std::map<std::string, std::vector<Versioned<TransformRecord>>> by_name;
  for (auto& transform : transforms) {
    const TransformRecord& record = transform.record;
    if (record.backbone != trials.space().digest) continue;
    if (record.family != "conditional" && record.op != law.set().law) continue;
    by_name[transform.name].push_back(std::move(transform));
  }
  std::vector<Step> steps;
  for (const auto& [name, versions] : by_name) {
    AUGSTORE_ASSIGN(const auto* const transform, ChampionOrProven(source, versions));
    if (transform == nullptr) continue;
    const bool conditional = transform->record.family == "conditional";
    AUGSTORE_ASSIGN(
        Step step,
        CopyStep(transform->ref() + (conditional ? "[" + law.set().law + "]" : ""), trials));
    // One for other ops than the law's is of no use here.
    if (TryPolicy(step.trial, collection, trials).ok()) steps.push_back(std::move(step));
  }
  return steps;
}

// How to make a transform that follows the law.
std::string TrainingText(const PlanFlags& flags, const ViewLaw& law) {
  std::string ops = law.set().law;
  const auto slots = std::ranges::count(ops, '>') + 1;
  if (slots > 2) return "one application of a transform takes two ops at most";
  std::ranges::replace(ops, '>', ',');
  return fmt::format(
      "to make one: augstore transform train-conditional --ops '{}' --backbone {} --images DIR",
      ops, ShellWord(flags.backbone.file));
}

Result<std::vector<Step>> StepsOf(const PlanFlags& flags, const ViewLaw& law,
                                  const std::string& collection, Trials& trials,
                                  std::vector<std::string>* notes) {
  std::vector<Step> steps;
  for (const std::string& text : flags.transforms) {
    AUGSTORE_ASSIGN(Step step, CopyStep(text, trials));
    AUGSTORE_TRY(TryPolicy(step.trial, collection, trials));
    steps.push_back(std::move(step));
  }
  if (steps.empty()) {
    AUGSTORE_ASSIGN(steps, ProvenSteps(law, collection, trials));
  }
  notes->push_back(
      steps.empty()
          ? "no proven transform of the backbone follows the law, so none was tried; " +
                TrainingText(flags, law)
          : "a transform that was fitted to images of the sample looks better here than it is");
  return steps;
}

// Of everything that is stored of an image with so many views.
uint64_t BytesOf(const PlanTarget& target, const BackboneRecord& space, uint32_t views) {
  const uint32_t values = space.feature_map.values();
  return (1 + uint64_t{views}) * RowBytes(target.dtype, space.dim) +
         (values > 0 ? QuantizedRowBytes(values) : 0);
}

std::string ViewsName(uint32_t views, bool fixed) {
  if (fixed) return "the view";
  return fmt::format("{} random view{}", views, views == 1 ? "" : "s");
}

}  // namespace

Result<PlannedWays> ListWays(const PlanFlags& flags, const PlanTarget& target, const ViewLaw& law,
                             const std::vector<uint32_t>& views, const PlanData& data,
                             Trials& trials) {
  PlannedWays planned;
  const auto add = [&](std::string name, const std::string& own, const std::string& trial,
                       uint32_t number, double multiply_adds) {
    PlanWay way{std::move(name), own, number, BytesOf(target, trials.space(), number),
                multiply_adds,   0};
    PolicyCandidate candidate{.policy = trial, .collection = data.collections.at(number)};
    planned.ways.push_back({std::move(way), std::move(candidate)});
  };
  add("none", "identity", "identity", 0, 0);
  const std::string& plain = data.collections.at(0);
  AUGSTORE_ASSIGN(std::vector<Step> steps, StepsOf(flags, law, plain, trials, &planned.notes));
  for (Step& step : steps) {
    step.has_errors = TryPolicy(step.trial + "~", plain, trials).ok();
    for (const std::string errors : {"", "~"}) {
      if (!errors.empty() && !step.has_errors) continue;
      add(step.name + errors, "identity," + step.own + errors, "identity," + step.trial + errors, 0,
          step.multiply_adds / 2);
    }
  }
  const bool fixed = law.set().count == 1;
  const std::string view = "view(" + law.set().law + ")";
  const auto add_views = [&](uint32_t number) {
    add(ViewsName(number, fixed), "identity," + view, "identity,views", number, 0);
  };
  for (const uint32_t number : views) add_views(number);
  if (!views.empty()) {
    for (const Step& step : steps) {
      const std::string errors = step.has_errors ? "~" : "";
      add(fmt::format("{} or {}", ViewsName(views[0], fixed), step.name + errors),
          fmt::format("identity,{},{}{}", view, step.own, errors),
          "identity,views," + step.trial + errors, views[0], step.multiply_adds / 3);
    }
  }
  add_views(law.set().count);
  return planned;
}

Result<std::vector<MeasuredWay>> MeasureWays(const PlanFlags& flags, const ViewLaw& law,
                                             const PlanData& data,
                                             const std::vector<PlannedWay>& ways, Trials& trials) {
  PolicyRunsOptions options;
  options.spec.collection = data.collections.at(law.set().count);
  options.spec.split = "train";
  options.spec.batch_size = flags.batch_size;
  options.trainer.arch = flags.arch;
  options.learning_rates = flags.learning_rates;
  options.weight_decay = flags.weight_decay;
  options.seed = flags.seed;
  options.validation_collection = data.tests;
  options.validation_split = "train";
  options.validation_policy = "views";
  options.validation_views = law.set().count == 1 ? 1 : kValidationDraws;
  AUGSTORE_ASSIGN(const auto runs, PolicyRuns::Open(&trials.client(), options));
  const uint64_t rows = flags.steps * flags.batch_size;
  const auto epochs =
      static_cast<uint32_t>(std::max<uint64_t>(1, (rows + data.training - 1) / data.training));
  const uint64_t total =
      uint64_t{epochs} * data.training * flags.seeds * flags.learning_rates.size() * ways.size();
  Progress progress("heads", "samples", total, trials.show_progress);
  uint64_t done = 0;
  std::vector<MeasuredWay> measured;
  for (const PlannedWay& planned : ways) {
    const PolicyTrainRequest request{&planned.trial, 0, flags.seed, flags.seeds, epochs};
    AUGSTORE_ASSIGN(std::vector<Matrix> hits, runs->Train(request, [&](uint64_t more) {
      progress.Update(done += more, planned.way.name);
    }));
    MeasuredWay best;
    double best_sum = -1;
    for (size_t rate = 0; rate < hits.size(); ++rate) {
      double sum = 0;
      for (size_t i = 0; i < hits[rate].rows() * hits[rate].cols(); ++i)
        sum += hits[rate].data()[i];
      if (sum <= best_sum) continue;
      best_sum = sum;
      best = {planned.way, flags.learning_rates[rate], std::move(hits[rate]), {}, {}, {}};
    }
    measured.push_back(std::move(best));
  }
  CompareWays(&measured);
  return measured;
}

}  // namespace augstore
