// Summaries of repeated measurements, and how they differ.
#ifndef AUGSTORE_TOOLS_CLI_STATISTICS_H_
#define AUGSTORE_TOOLS_CLI_STATISTICS_H_

#include <string>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

struct MeanSd {
  double mean = 0;
  double sd = 0;  // of the sample (n - 1); 0 for one value
};
// Of no values: zeros.
MeanSd Summarise(const std::vector<double>& values);
// The mean of each row: of seeds x samples, that of each seed. REQUIRES: no empty row.
std::vector<double> RowMeans(const Matrix& values);
// "61.4 ± 0.5".
std::string PercentText(const MeanSd& value);

// How much of the gap between no augmentation and pixel space a way of training closes.
struct Gap {
  bool significant = false;  // pixel space is better than no augmentation: paired t-test, 95 %
  double closed = 0;         // 0 here and below unless it is significant
  double low = 0;
  double high = 0;
};

// (row - none) / (pixel - none), paired by seed, with Fieller's 95 % interval of a ratio of means
// (E. Fieller, "Some problems in interval estimation", J. R. Stat. Soc. B 16, 1954). The interval
// is bounded exactly where the gap is significant; with fewer than two seeds it never is. REQUIRES:
// equal sizes.
Gap MeasureGap(const std::vector<double>& none, const std::vector<double>& row,
               const std::vector<double>& pixel);

// "57 % [40, 75]", or "no gap" where it is not significant.
std::string GapText(const Gap& gap);

// A mean difference of accuracies with its confidence interval; low and high are NaN when there is
// no interval, as after one seed.
struct PolicyDifference {
  double mean = 0;
  double low = 0;
  double high = 0;
};
// `a` - `b`, both seeds x samples, paired in both. Both vary: seeds, because another one trains
// other heads, and samples, because others could have been drawn. So the variance of the mean is
// that of a crossed design with two random factors (Searle, Casella and McCulloch, "Variance
// Components", 1992, ch. 4): sd² / n of the seed means, plus that of the sample means, less that of
// their interaction, which both contain; degrees of freedom after Satterthwaite ("An Approximate
// Distribution of Estimates of Variance Components", 1946). `level`: 0.95 for 95 %.
// REQUIRES: equal shapes, at least one value.
PolicyDifference PairedDifference(const Matrix& a, const Matrix& b, double level);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_STATISTICS_H_
