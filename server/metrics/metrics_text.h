// Metrics in the text format of Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#ifndef AUGSTORE_SERVER_METRICS_METRICS_TEXT_H_
#define AUGSTORE_SERVER_METRICS_METRICS_TEXT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/metrics/histogram.h"

namespace augstore {

// What an HTTP response says that its text is.
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// A family is begun, then its samples are added: the format wants them together.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // `name` ends in the unit; that of a counter in _total.
  void BeginGauge(std::string_view name, std::string_view help) { Begin(name, "gauge", help); }
  void BeginCounter(std::string_view name, std::string_view help) { Begin(name, "counter", help); }
  void BeginHistogram(std::string_view name, std::string_view help) {
    Begin(name, "histogram", help);
  }
  // Of the family that was begun last; the values of labels may have any bytes.
  void Add(double value, const Labels& labels = {});
  void Add(const Histogram& histogram, const Labels& labels = {});
  // A family with one sample.
  void Gauge(std::string_view name, std::string_view help, double value);
  void Counter(std::string_view name, std::string_view help, double value);

  std::string Take() { return std::move(text_); }

 private:
  void Begin(std::string_view name, std::string_view type, std::string_view help);
  void AddSample(std::string_view suffix, const Labels& labels, double value);

  std::string text_;
  std::string family_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_METRICS_TEXT_H_
