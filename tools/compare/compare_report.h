// A comparison as text, as JSON, and as one HTML page, without scripts, that fetches nothing.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_REPORT_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "tools/cli/statistics.h"
#include "tools/compare/compare.h"

namespace augstore {

// Accuracy per seed on the plain test images.
std::vector<double> PlainAccuracy(const CompareRow& row);
// Mean over the test sets of the experiment's ops, of a value for each test set.
double ShiftedMean(const CompareExperiment& experiment, const std::vector<double>& tests);
// ShiftedMean of the accuracy, per seed.
std::vector<double> ShiftedAccuracy(const CompareExperiment& experiment, const CompareRow& row);

// What the table and the page print of a row.
struct RowSummary {
  MeanSd plain;
  MeanSd shifted;
  std::optional<Gap> gap;  // on the shifted tests; of rows between "none" and "pixel"
};
std::vector<RowSummary> SummariseRows(const CompareResult& result,
                                      const CompareExperiment& experiment);

// "0.412 [0.398, 0.426]".
std::string R2Text(const CardEntry& entry);

std::string CompareText(const CompareResult& result);
Json CompareJson(const CompareResult& result);
std::string CompareHtml(const CompareResult& result);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_REPORT_H_
