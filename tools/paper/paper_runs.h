// The runs of the experiment, cell by cell.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "tools/paper/paper.h"
#include "tools/paper/paper_data.h"

namespace augstore {

// Trains the cells that `cells` lacks, and adds each to it after `done` took it. Errors: those of
// `done`, OpenStream and TrainHeads; kUnavailable "interrupted" after Ctrl-C.
Status RunPaper(const PaperFlags& flags, Database& database, Trials& trials,
                const LazyBackbone& backbone, const PaperData& data,
                const std::vector<PaperRow>& rows, PaperCells* cells,
                const std::function<Status(const PaperCell&)>& done);

Json ToJson(const PaperCell& cell);
// Errors: kInvalidArgument.
Result<PaperCell> PaperCellFromJson(const Json& json);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_RUNS_H_
