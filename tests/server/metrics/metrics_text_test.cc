#include "server/metrics/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace augstore {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTextTest, WritesFamiliesAsPrometheusReadsThem) {
  MetricsText text;
  text.Gauge("a_bytes", "What it is.", 12);
  text.BeginCounter("b_total", "Others.");
  text.Add(1, {{"code", "NotFound"}});
  text.Add(2.5, {{"code", "Internal"}, {"kind", "x"}});
  EXPECT_EQ(text.Take(),
            "# HELP a_bytes What it is.\n# TYPE a_bytes gauge\na_bytes 12\n"
            "# HELP b_total Others.\n# TYPE b_total counter\n"
            "b_total{code=\"NotFound\"} 1\nb_total{code=\"Internal\",kind=\"x\"} 2.5\n");
}

TEST(MetricsTextTest, WritesWholeNumbersExactlyAndWhatIsNoNumber) {
  MetricsText text;
  text.BeginGauge("g", "G.");
  text.Add(9007199254740992.0);
  text.Add(1e300);
  text.Add(-0.25);
  text.Add(std::numeric_limits<double>::infinity());
  text.Add(-std::numeric_limits<double>::infinity());
  text.Add(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(text.Take(),
              HasSubstr("g 9007199254740992\ng 1e+300\ng -0.25\ng +Inf\ng -Inf\ng NaN\n"));
}

TEST(MetricsTextTest, EscapesTheValuesOfLabels) {
  MetricsText text;
  text.BeginGauge("g", "G.");
  text.Add(1, {{"name", "a\"b\\c\nd"}});
  EXPECT_THAT(text.Take(), HasSubstr("g{name=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(MetricsTextTest, AddsTheBucketsOfAHistogramUp) {
  Histogram histogram;
  histogram.Observe(std::chrono::microseconds(50));
  histogram.Observe(std::chrono::milliseconds(3));
  histogram.Observe(std::chrono::minutes(2));
  MetricsText text;
  text.BeginHistogram("h_seconds", "H.");
  text.Add(histogram, {{"request", "Query"}});
  const std::string written = text.Take();
  EXPECT_THAT(written, HasSubstr("h_seconds_bucket{request=\"Query\",le=\"0.0001\"} 1\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_bucket{request=\"Query\",le=\"0.0025\"} 1\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_bucket{request=\"Query\",le=\"0.005\"} 2\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_bucket{request=\"Query\",le=\"60\"} 2\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_bucket{request=\"Query\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_sum{request=\"Query\"} 120.00305\n"));
  EXPECT_THAT(written, HasSubstr("h_seconds_count{request=\"Query\"} 3\n"));
}

}  // namespace
}  // namespace augstore
