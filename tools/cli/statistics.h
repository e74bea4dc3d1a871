// Summaries of repeated measurements.
#ifndef AUGSTORE_TOOLS_CLI_STATISTICS_H_
#define AUGSTORE_TOOLS_CLI_STATISTICS_H_

#include <vector>

namespace augstore {

struct MeanSd {
  double mean = 0;
  double sd = 0;  // of the sample (n - 1); 0 for one value
};
// Of no values: zeros.
MeanSd Summarise(const std::vector<double>& values);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_STATISTICS_H_
