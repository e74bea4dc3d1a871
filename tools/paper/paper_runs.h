// The runs of the experiment, cell by cell.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_

#include <functional>
#include <vector>

#include "tools/paper/paper.h"
#include "tools/paper/paper_data.h"

namespace augstore {

// Trains the cells that `cells` lacks, and adds each to it after `done` took it. Errors: those of
// `done`, CopyCollection, OpenStream and TrainHeads; kUnavailable "interrupted" after Ctrl-C.
Status RunPaper(const PaperFlags& flags, Trials& trials, const PaperData& data,
                const std::vector<PaperRow>& rows, PaperCells* cells,
                const std::function<Status(const PaperCell&)>& done);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_
