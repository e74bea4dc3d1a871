// How much of the gap between no augmentation and pixel space a row of the experiment closes.
#ifndef AUGSTORE_TOOLS_PAPER_PAPER_GAP_H_
#define AUGSTORE_TOOLS_PAPER_PAPER_GAP_H_

#include <vector>

namespace augstore {

struct Gap {
  bool significant = false;  // pixel space is better than none: paired t, 95 %
  double closed = 0;         // 0 here and below unless it is significant
  double low = 0;
  double high = 0;
};

// (row - none) / (pixel - none), paired by seed, with Fieller's 95 % interval of a ratio of means
// (E. Fieller, "Some problems in interval estimation", J. R. Stat. Soc. B 16, 1954). It is bounded
// exactly where the gap is significant; fewer than two seeds never are. REQUIRES: equal sizes.
Gap MeasureGap(const std::vector<double>& none, const std::vector<double>& row,
               const std::vector<double>& pixel);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PAPER_PAPER_GAP_H_
