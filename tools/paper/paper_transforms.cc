#include "tools/paper/paper_transforms.h"

#include <algorithm>

#include "engine/fitting/families.h"
#include "schemas/base/names.h"
#include "tools/collection/proven_transform.h"
#include "tools/compare/compare_transforms.h"

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

std::string FamilyTitle(const std::string& family) {
  if (family == "paper_mlp") return "the paper's MLP (paper_mlp)";
  return family == "auto" ? "the best family (auto)" : family;
}

}  // namespace

Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Database& database,
                                               LazyBackbone& backbone, Trials& trials) {
  CompareFlags compare;
  compare.common = flags.common;
  compare.backbone = flags.backbone;
  compare.ops = flags.ops;
  compare.families = flags.families;
  compare.families.push_back(kNoise);
  compare.test = flags.test;
  compare.last_blocks = flags.last_blocks;
  AUGSTORE_ASSIGN(ImageSource base, ListImages(flags.base));
  AUGSTORE_ASSIGN(ImageSource test, ListImages(flags.test));
  PaperTransforms transforms;
  AUGSTORE_ASSIGN(transforms.separate,
                  PrepareTransforms(compare, database, backbone, trials,
                                    SpreadItems(std::move(base.items), flags.limit),
                                    SpreadItems(std::move(test.items), flags.limit)));
  for (const CompareTransform& transform : transforms.separate) {
    AUGSTORE_ASSIGN(const auto record, trials.client().Get<TransformRecord>(transform.ref));
    transforms.weights.push_back(record.record.weights);
  }
  if (flags.conditional.empty()) return transforms;
  const auto conditional =
      GetTransform(database.client(), flags.conditional, backbone.record().digest);
  if (conditional.status().code() == Code::kNotFound) {
    return conditional.status().WithContext(
        "--conditional: train it first with `augstore transform train-conditional`, or say '' for "
        "none");
  }
  AUGSTORE_TRY(conditional.status());
  if (conditional->record.family != "conditional") {
    return InvalidArgument("--conditional: {} is of the family '{}'", conditional->ref(),
                           conditional->record.family);
  }
  AUGSTORE_ASSIGN(transforms.conditional,
                  CopyTransform(database.client(), trials, conditional->ref()));
  transforms.conditional_card = conditional->record.card;
  transforms.weights.push_back(conditional->record.weights);
  return transforms;
}

std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms) {
  std::vector<PaperRow> rows;
  const auto stream = [&](std::string name, std::string policy) {
    rows.push_back({std::move(name), PaperSource::kStream, std::move(policy), 0, false});
  };
  stream("none", "identity");
  stream("noise of the same covariance", Policy(StepsOf(flags, transforms, kNoise), "~"));
  for (const uint32_t views : flags.cached) {
    rows.push_back({fmt::format("{} cached view{}", views, views == 1 ? "" : "s"),
                    PaperSource::kViews, "", views, false});
  }
  for (const std::string& family : flags.families) {
    stream(FamilyTitle(family), Policy(StepsOf(flags, transforms, family), ""));
    rows.back().reads_feature_maps = FamilyReadsFeatureMaps(family);
  }
  for (const std::string family : {"auto", "last_blocks"}) {
    if (std::ranges::find(flags.families, family) == flags.families.end()) continue;
    stream(family + ", with drawn errors", Policy(StepsOf(flags, transforms, family), "~"));
    rows.back().reads_feature_maps = FamilyReadsFeatureMaps(family);
  }
  if (!transforms.conditional.empty()) {
    const auto steps = ConditionalSteps(flags, transforms.conditional);
    stream("conditional", Policy(steps, ""));
    stream("conditional, with drawn errors", Policy(steps, "~"));
  }
  rows.push_back({"pixel space", PaperSource::kViews, "", 0, false});
  return rows;
}

}  // namespace augstore
