// The transforms of the experiment, and the rows that they make.
#include <nlohmann/json.hpp>

#include "engine/fitting/families.h"
#include "schemas/base/names.h"
#include "tools/paper/paper.h"

namespace augstore {
namespace {

constexpr char kNoise[] = "identity";  // its errors are displacements of other images

// "identity:1,<step of op>:1,…".
std::string Policy(const std::vector<std::string>& steps, const char* suffix) {
  std::string policy = "identity:1";
  for (const std::string& step : steps) policy += "," + step + suffix + ":1";
  return policy;
}

std::vector<std::string> StepsOf(const PaperFlags& flags, const PaperTransforms& transforms,
                                 const std::string& family) {
  std::vector<std::string> steps;
  for (const std::string& op : flags.ops) {
    for (const CompareTransform& transform : transforms.separate) {
      if (transform.op == op && transform.family == family) steps.push_back(transform.ref);
    }
  }
  AUGSTORE_CHECK(steps.size() == flags.ops.size());
  return steps;
}

std::vector<std::string> ConditionalSteps(const PaperFlags& flags, const std::string& ref) {
  std::vector<std::string> steps;
  for (const std::string& op : flags.ops) steps.push_back(ref + "[" + op + "]");
  return steps;
}

std::string CandidateName(const std::string& family) {
  return family == kAutoFamily ? "the best family (auto)" : family;
}

}  // namespace

Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Database& database,
                                               LazyBackbone& backbone) {
  CompareFlags compare;
  compare.common = flags.common;
  compare.backbone = flags.backbone;
  compare.ops = flags.ops;
  compare.families = flags.families;
  compare.families.push_back(kNoise);
  compare.test = flags.test;
  compare.last_blocks = flags.last_blocks;
  CompareData data;
  AUGSTORE_ASSIGN(ImageSource base, ListImages(flags.base));
  AUGSTORE_ASSIGN(ImageSource test, ListImages(flags.test));
  data.base = SpreadItems(std::move(base.items), flags.limit);
  data.test = SpreadItems(std::move(test.items), flags.limit);
  PaperTransforms transforms;
  AUGSTORE_ASSIGN(transforms.separate, PrepareTransforms(compare, database, backbone, data));
  Client& client = database.client();
  for (const CompareTransform& transform : transforms.separate) {
    AUGSTORE_ASSIGN(const auto record,
                    client.Get<TransformRecord>(RecordKind::kTransform, transform.ref));
    transforms.weights.push_back(record.record.weights);
  }
  if (flags.conditional.empty()) return transforms;
  const auto conditional = client.Get<TransformRecord>(RecordKind::kTransform, flags.conditional);
  if (conditional.status().code() == Code::kNotFound) {
    return conditional.status().WithContext(
        "--conditional: train it first with `augstore transform train-conditional`, or give '' for "
        "none");
  }
  AUGSTORE_TRY(conditional.status());
  if (conditional->record.family != "conditional") {
    return InvalidArgument("--conditional: {} is of the family '{}'", conditional->ref(),
                           conditional->record.family);
  }
  transforms.conditional = conditional->ref();
  transforms.conditional_card = conditional->record.card;
  transforms.weights.push_back(conditional->record.weights);
  return transforms;
}

std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms) {
  std::vector<PaperRow> rows;
  const auto stream = [&](std::string name, std::string group, std::string policy) {
    rows.push_back(
        {std::move(name), std::move(group), PaperSource::kStream, std::move(policy), 0, false});
  };
  stream("none", "baselines", "identity");
  stream("noise of the same covariance", "baselines",
         Policy(StepsOf(flags, transforms, kNoise), "~"));
  for (const uint32_t views : flags.cached) {
    rows.push_back({fmt::format("{} cached view{}", views, views == 1 ? "" : "s"),
                    "cached real views", PaperSource::kViews, "", views, false});
  }
  for (const std::string& family : flags.families) {
    stream(CandidateName(family), "transforms", Policy(StepsOf(flags, transforms, family), ""));
    rows.back().reads_feature_maps = FamilyReadsFeatureMaps(family);
  }
  for (const std::string family : {"auto", "last_blocks"}) {
    if (std::ranges::find(flags.families, family) == flags.families.end()) continue;
    stream(family + ", with drawn errors", "transforms",
           Policy(StepsOf(flags, transforms, family), "~"));
    rows.back().reads_feature_maps = FamilyReadsFeatureMaps(family);
  }
  if (!transforms.conditional.empty()) {
    const auto steps = ConditionalSteps(flags, transforms.conditional);
    stream("conditional", "transforms", Policy(steps, ""));
    stream("conditional, with drawn errors", "transforms", Policy(steps, "~"));
  }
  rows.push_back({"pixel space", "upper bound", PaperSource::kViews, "", 0, false});
  return rows;
}

}  // namespace augstore
