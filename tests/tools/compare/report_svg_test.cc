#include "tools/compare/report_svg.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace augstore {
namespace {

TEST(ReportSvg, EscapesWhatWouldBeMarkup) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
}

TEST(ReportSvg, ALinePlotHasOneLinePerSeriesAndNamesThem) {
  const std::string svg =
      LinePlot("title", "epoch", "{:.0f}", {{"one<", {1, 2}, {10, 20}}, {"two", {1, 2}, {5, 1}}});
  size_t lines = 0;
  for (size_t at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2u);
  EXPECT_NE(svg.find("one&lt;"), std::string::npos);
}

TEST(ReportSvg, APlotWithoutDataIsNothing) { EXPECT_EQ(LinePlot("t", "x", "{}", {}), ""); }

TEST(ReportSvg, NegativeBarsHangBelowTheAxis) {
  const std::string svg = BarPlot("G", "{:.2f}", {"a"}, {{"hflip", {-0.5}}, {"vflip", {0.5}}});
  EXPECT_NE(svg.find("hflip, a: -0.50"), std::string::npos);
  EXPECT_NE(svg.find("vflip, a: 0.50"), std::string::npos);
}

}  // namespace
}  // namespace augstore
