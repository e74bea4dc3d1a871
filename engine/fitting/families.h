// The families of transforms: one table, from which lists, help texts and every decision that
// depends on a family derive.
#ifndef AUGSTORE_ENGINE_FITTING_FAMILIES_H_
#define AUGSTORE_ENGINE_FITTING_FAMILIES_H_

#include <span>
#include <string>
#include <string_view>

#include "engine/fitting/closed_forms.h"
#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"

namespace augstore {

// In place of a family: fit every family that the pairs allow and choose.
inline constexpr std::string_view kAutoFamily = "auto";

// What a fit reads. Referred to, not copied.
struct FitInput {
  const TransformPairs& pairs;
  const TransformTrainOptions& options;  // checked; options.family is this family
  ClosedForms& closed_forms;             // of `pairs`
  const TransformProgressCallback& progress;
};

struct Family {
  std::string_view name;
  std::string_view formula;  // of Ω(z), as help texts show it
  std::string_view cost;     // of one row, in multiply-adds, for d dimensions
  bool closed_form = false;  // else trained in epochs
  bool reads_feature_maps = false;
  bool needs_last_blocks = false;  // TransformTrainOptions::last_blocks
  bool does_nothing = false;       // streams may leave it out, so a choice counts no cost
  // A family without a closed form may be fitted by any thread once ClosedForms::Ridge is computed.
  // Errors: kInvalidArgument (the pairs do not allow it, training diverged), kInternal (Torch).
  Result<FittedTransform> (*fit)(const FitInput& input) = nullptr;
};

// Every family, cheapest first; those with a closed form come before all others.
std::span<const Family> TransformFamilies();
// Null when there is none.
const Family* FindFamily(std::string_view name);
// False for names that are no family, such as "auto".
bool FamilyReadsFeatureMaps(std::string_view name);
bool FamilyNeedsLastBlocks(std::string_view name);

// "identity, shift, …" of the families that `keep` returns true for.
std::string FamilyNames(bool (*keep)(const Family& family));

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_FAMILIES_H_
