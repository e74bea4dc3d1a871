// The table that compares a conditional transform with a separate affine map for every op, alone
// and chained.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_CONDITIONAL_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_CONDITIONAL_H_

#include <string>

#include "tools/compare/trials.h"
#include "tools/paper/paper.h"

namespace augstore {

// G of the transform `ref` of the trials and of the separate maps on the test images, for single
// ops and for chains of two, as Markdown. Errors: those of EmbedItems and TrainTransform.
Result<std::string> CompareConditional(const PaperFlags& flags, Database& database, Trials& trials,
                                       LazyBackbone& backbone, const std::string& ref);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_CONDITIONAL_H_
