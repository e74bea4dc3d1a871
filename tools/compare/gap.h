// How much of the gap between no augmentation and pixel space a way of training closes.
#ifndef AUGSTORE_TOOLS_COMPARE_GAP_H_
#define AUGSTORE_TOOLS_COMPARE_GAP_H_

#include <string>
#include <vector>

namespace augstore {

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

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_GAP_H_
