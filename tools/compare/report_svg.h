// Plots as inline SVG, without scripts: lines over epochs, and grouped bars.
#ifndef AUGSTORE_TOOLS_COMPARE_REPORT_SVG_H_
#define AUGSTORE_TOOLS_COMPARE_REPORT_SVG_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace augstore {

struct LegendEntry {
  std::string name;
  size_t colour = 0;  // number in the palette; from 2 on, colours repeat after six
};

struct Series {
  LegendEntry legend;
  std::vector<double> x;
  std::vector<double> y;
};

// Lines with a legend; the axes are chosen from the data. `y_format` is the fmt format of the
// ticks, such as "{:.0f} %". Empty without data.
std::string LinePlot(const std::string& title, const std::string& x_label,
                     std::string_view y_format, const std::vector<Series>& series);

struct BarGroup {
  std::string name;
  std::vector<double> values;  // one for each entry of the legend; may be negative
};
std::string BarPlot(const std::string& title, std::string_view y_format,
                    const std::vector<LegendEntry>& legend, const std::vector<BarGroup>& groups);

// Horizontal bars with intervals, as a file of its own.
struct IntervalBar {
  std::string name;
  double value = 0;
  double low = 0;
  double high = 0;
};
std::string IntervalPlot(const std::string& title, std::string_view format,
                         const std::vector<IntervalBar>& bars);

// Text for HTML and SVG: & < > " ' become entities.
std::string EscapeHtml(std::string_view text);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_REPORT_SVG_H_
