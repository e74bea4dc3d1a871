// How much better one policy is than another.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_STATISTICS_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_STATISTICS_H_

#include "schemas/base/types.h"

namespace augstore {

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

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_STATISTICS_H_
