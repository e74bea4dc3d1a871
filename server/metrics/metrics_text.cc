#include "server/metrics/metrics_text.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace augstore {
namespace {

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers up to here are exact
  if (value == std::floor(value) && std::abs(value) <= kExact) {
    return fmt::format("{}", static_cast<int64_t>(value));
  }
  return fmt::format("{}", value);
}

std::string Escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

void MetricsText::Begin(std::string_view name, std::string_view type, std::string_view help) {
  family_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricsText::AddSample(std::string_view suffix, const Labels& labels, double value) {
  text_ += family_;
  text_ += suffix;
  char before = '{';
  for (const auto& [name, label] : labels) {
    fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", before, name, Escaped(label));
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", NumberText(value));
}

void MetricsText::Add(double value, const Labels& labels) { AddSample("", labels, value); }

void MetricsText::Add(const Histogram& histogram, const Labels& labels) {
  const auto counts = histogram.counts();
  Labels of_bucket = labels;
  of_bucket.emplace_back("le", "");
  uint64_t count = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    count += counts[i];
    of_bucket.back().second =
        i < Histogram::kBounds.size() ? NumberText(Histogram::kBounds[i]) : "+Inf";
    AddSample("_bucket", of_bucket, static_cast<double>(count));
  }
  AddSample("_sum", labels, histogram.seconds());
  AddSample("_count", labels, static_cast<double>(count));
}

void MetricsText::Gauge(std::string_view name, std::string_view help, double value) {
  BeginGauge(name, help);
  Add(value);
}

void MetricsText::Counter(std::string_view name, std::string_view help, double value) {
  BeginCounter(name, help);
  Add(value);
}

}  // namespace augstore
