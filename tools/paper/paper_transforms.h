// The transforms of the experiment, and the rows that they make.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_

#include <string>
#include <vector>

#include "tools/compare/compare.h"
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
Result<PaperTransforms> PreparePaperTransforms(const PaperFlags& flags, Database& database,
                                               LazyBackbone& backbone, Trials& trials);

// "none" first, "pixel space" last.
std::vector<PaperRow> PaperRows(const PaperFlags& flags, const PaperTransforms& transforms);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_TRANSFORMS_H_
