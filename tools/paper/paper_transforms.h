// The transforms of the experiment, the rows that they make, and the table that compares the
// conditional one with a separate affine map for every op.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_

#include <string>
#include <vector>

#include "tools/compare/trials.h"
#include "tools/paper/paper.h"

namespace augstore {

// Refs are those in the trials.
struct PaperTransforms {
  std::vector<CompareTransform> separate;  // their cards have the test images as second entry
  std::string conditional;                 // empty: none
  Card conditional_card;
  std::vector<Digest> weights;  // of all of them
};
// Fits what the trials lack and copies the conditional transform to them. Errors: kNotFound (the
// conditional transform), kInvalidArgument (it is not conditional), those of PrepareTransforms.
Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Trials& trials);

// "none" first, "pixel space" last.
std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms);

// G of the conditional transform `ref` of the trials and of the separate maps on the test images,
// for single ops and for chains of two, as Markdown; empty for an empty `ref`. Errors: those of
// EmbedEvery and TrainTransform.
Result<std::string> CompareConditional(const PaperFlags& flags, Trials& trials,
                                       const std::string& ref);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_
