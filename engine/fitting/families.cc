#include "engine/fitting/families.h"

#include <algorithm>
#include <iterator>

#include "engine/fitting/refine.h"
#include "engine/fitting/torch_last_blocks_trainer.h"
#include "engine/fitting/torch_transform_trainer.h"

namespace augstore {
namespace {

template <auto kForm>
Result<FittedTransform> InClosedForm(const FitInput& input) {
  return (input.closed_forms.*kForm)();
}

template <auto kTrain>
Result<FittedTransform> Trained(const FitInput& input) {
  return kTrain(input.pairs, input.options, input.progress);
}

Result<FittedTransform> FitRefined(const FitInput& input) {
  AUGSTORE_ASSIGN(const AffineFit* ridge, input.closed_forms.Ridge());
  return Refine(input.pairs, input.options, input.closed_forms.moments(), *ridge, input.progress);
}

// `r` is a rank of at most d / 4; `c` the channels of the feature map.
constexpr Family kFamilies[] = {
    {.name = "identity",
     .formula = "z",
     .cost = "d",
     .closed_form = true,
     .does_nothing = true,
     .fit = InClosedForm<&ClosedForms::Identity>},
    {.name = "shift",
     .formula = "z + b",
     .cost = "d",
     .closed_form = true,
     .fit = InClosedForm<&ClosedForms::Shift>},
    {.name = "diagonal",
     .formula = "w * z + b",
     .cost = "d",
     .closed_form = true,
     .fit = InClosedForm<&ClosedForms::Diagonal>},
    {.name = "lowrank",
     .formula = "z + A z + b, A of low rank",
     .cost = "2 d r",
     .closed_form = true,
     .fit = InClosedForm<&ClosedForms::LowRank>},
    {.name = "procrustes",
     .formula = "R z + b, R orthogonal",
     .cost = "d²",
     .closed_form = true,
     .fit = InClosedForm<&ClosedForms::Procrustes>},
    {.name = "affine",
     .formula = "z + A z + b",
     .cost = "d²",
     .closed_form = true,
     .fit = InClosedForm<&ClosedForms::Affine>},
    {.name = "pooled",
     .formula = "z + A [z, means of 2 x 2 parts of the feature map] + b",
     .cost = "d (d + 4 c)",
     .closed_form = true,
     .reads_feature_maps = true,
     .fit = InClosedForm<&ClosedForms::Pooled>},
    {.name = "residual", .formula = "z + MLP(z)", .cost = "4 d²", .fit = Trained<TrainResidual>},
    {.name = "refined",
     .formula = "z + A z + V relu(W z + c) + b",
     .cost = "4 d²",
     .fit = FitRefined},
    {.name = "paper_mlp",
     .formula = "MLP(z), d -> 2d -> d as in the paper",
     .cost = "4 d²",
     .fit = Trained<TrainPaperMlp>},
    {.name = "last_blocks",
     .formula = "relu(A z + last blocks of the backbone on op(feature map) + b)",
     .cost = "d² and the blocks",
     .reads_feature_maps = true,
     .needs_last_blocks = true,
     .fit = [](const FitInput& input) {
       return TrainLastBlocks(input.pairs, input.options, *input.options.last_blocks,
                              input.progress);
     }}};

}  // namespace

std::span<const Family> TransformFamilies() { return kFamilies; }

const Family* FindFamily(std::string_view name) {
  const auto* const found = std::ranges::find(kFamilies, name, &Family::name);
  return found == std::end(kFamilies) ? nullptr : found;
}

bool FamilyReadsFeatureMaps(std::string_view name) {
  const Family* const family = FindFamily(name);
  return family != nullptr && family->reads_feature_maps;
}

bool FamilyNeedsLastBlocks(std::string_view name) {
  const Family* const family = FindFamily(name);
  return family != nullptr && family->needs_last_blocks;
}

std::string FamilyNames(bool (*keep)(const Family& family)) {
  std::string names;
  for (const Family& family : kFamilies) {
    if (keep(family)) names.append(names.empty() ? "" : ", ").append(family.name);
  }
  return names;
}

}  // namespace augstore
