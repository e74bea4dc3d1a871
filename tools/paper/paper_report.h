// The report of the experiment: tables as Markdown, plots as SVG.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_REPORT_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_REPORT_H_

#include <string>
#include <vector>

#include "tools/paper/paper.h"
#include "tools/paper/paper_data.h"
#include "tools/paper/paper_transforms.h"

namespace augstore {

// Writes results.md and its plots to flags.out; `conditional_table` ends the page. Errors:
// kUnavailable. REQUIRES: `cells` has all cells of the rows.
Status WritePaperReport(const PaperFlags& flags, const PaperTransforms& transforms,
                        const PaperData& data, const std::vector<PaperRow>& rows,
                        const PaperCells& cells, const BackboneRecord& backbone,
                        const std::string& conditional_table);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_REPORT_H_
