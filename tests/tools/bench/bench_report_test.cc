#include "tools/bench/bench_report.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(BenchReport, ATargetIsMetFromItsOwnSide) {
  EXPECT_TRUE((Target{"a", 0.92, 0.92}).met());
  EXPECT_FALSE((Target{"a", 0.91, 0.92}).met());
  EXPECT_TRUE((Target{"a", 0.25, 0.25, true}).met());
  EXPECT_FALSE((Target{"a", 0.26, 0.25, true}).met());
}

TEST(BenchReport, WhatWasNotMeasuredIsADash) {
  const BenchTable table{
      "t", "legend", {{{"name", "x"}, {"a", nullptr}, {"b", 12345.0}, {"c", 0.12345}}}};
  const std::string text = TableText(table);
  EXPECT_NE(text.find("t: legend\n"), std::string::npos);
  EXPECT_NE(text.find("x     -  12.3k  0.123"), std::string::npos) << text;
}

}  // namespace
}  // namespace augstore
