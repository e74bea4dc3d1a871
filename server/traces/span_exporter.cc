#include "server/traces/span_exporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "server/traces/otlp_json.h"

namespace augstore {
namespace {

// What OTLP says is worth another attempt.
bool MayBeRepeated(int http_status) {
  constexpr int kStatuses[] = {429, 502, 503, 504};
  return std::ranges::find(kStatuses, http_status) != std::end(kStatuses);
}

bool IsSuccess(int http_status) { return http_status >= 200 && http_status < 300; }

}  // namespace

SpanExporter::SpanExporter(Collector collector, Warn warn, const SpanExporterOptions& options)
    : collector_(std::move(collector)),
      warn_(std::move(warn)),
      options_(options),
      queue_(options.most_waiting),
      thread_([this] { Run(); }) {}

Result<std::unique_ptr<SpanExporter>> SpanExporter::Start(std::string_view url, Warn warn) {
  if (url.empty()) return std::unique_ptr<SpanExporter>();
  AUGSTORE_ASSIGN(Collector collector, ParseCollector(url));
  return std::make_unique<SpanExporter>(std::move(collector), std::move(warn));
}

SpanExporter::~SpanExporter() {
  end_ = Clock::now() + options_.at_stop;
  stopping_ = true;
  queue_.Stop();
  thread_.join();
}

void SpanExporter::Run() {
  for (;;) {
    const std::vector<Span> spans = queue_.Take(options_.most_at_once, options_.patience);
    if (spans.empty()) return;
    try {
      Deliver(OtlpJson(spans), spans.size());
    } catch (const std::exception&) {  // no memory for them
      queue_.CountLost(spans.size());
    }
  }
}

void SpanExporter::Deliver(const std::string& json, size_t spans) {
  auto pause = options_.first_pause;
  for (;;) {
    const Result<int> answer =
        PostJson(collector_, json, options_.answer_limit, [this] { return IsOver(); });
    if (answer.ok() && IsSuccess(*answer)) return;
    const bool again = !stopping_ && (!answer.ok() || MayBeRepeated(*answer));
    if (!again) queue_.CountLost(spans);
    WarnSometimes(answer.ok() ? fmt::format("it answered HTTP {}", *answer)
                              : answer.status().message());
    if (!again) return;
    queue_.Sleep(pause);
    pause = std::min(2 * pause, options_.last_pause);
  }
}

void SpanExporter::WarnSometimes(const std::string& why) {
  const auto now = Clock::now();
  if (now < next_warning_) return;
  next_warning_ = now + options_.between_warnings;
  warn_(
      fmt::format("spans cannot be sent to {}: {}; {} are lost so far: look at the collector, or "
                  "correct --traces",
                  collector_.ToString(), why, queue_.lost()));
}

}  // namespace augstore
