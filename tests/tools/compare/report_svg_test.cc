#include "tools/compare/report_svg.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace augstore {
namespace {

TEST(ReportSvg, EscapesWhatWouldBeMarkup) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\" b='y'>&"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
}

TEST(ReportSvg, ALinePlotHasOneLinePerSeriesAndNamesThem) {
  const std::string svg = LinePlot("title", "epoch", "{:.0f}",
                                   {{{"one<", 0}, {1, 2}, {10, 20}}, {{"two", 1}, {1, 2}, {5, 1}}});
  size_t lines = 0;
  for (size_t at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2u);
  EXPECT_NE(svg.find("one&lt;"), std::string::npos);
}

TEST(ReportSvg, APlotWithoutDataIsNothing) { EXPECT_EQ(LinePlot("t", "x", "{}", {}), ""); }

TEST(ReportSvg, NegativeBarsHangBelowTheAxis) {
  const std::string svg = BarPlot("G", "{:.2f}", {{"a", 3}}, {{"hflip", {-0.5}}, {"vflip", {0.5}}});
  EXPECT_NE(svg.find("hflip, a: -0.50"), std::string::npos);
  EXPECT_NE(svg.find("vflip, a: 0.50"), std::string::npos);
}

TEST(ReportSvg, AMethodHasOneColourInLinesAndBars) {
  const std::string line = LinePlot("t", "x", "{:.0f}", {{{"a", 3}, {1, 2}, {10, 20}}});
  const std::string bars = BarPlot("G", "{:.2f}", {{"a", 3}}, {{"hflip", {0.5}}});
  const std::string other = BarPlot("G", "{:.2f}", {{"a", 4}}, {{"hflip", {0.5}}});
  const std::string colour = line.substr(line.find("stroke='#") + 8, 7);
  EXPECT_NE(bars.find("fill='" + colour), std::string::npos) << colour;
  EXPECT_EQ(other.find("fill='" + colour), std::string::npos) << colour;
}

}  // namespace
}  // namespace augstore
