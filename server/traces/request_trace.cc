#include "server/traces/request_trace.h"

#include <fmt/format.h>

#include <exception>
#include <random>

namespace augstore {
namespace {

// A message may quote a whole policy.
constexpr size_t kMostFailureBytes = 1024;

std::string NewSpanId() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  uint64_t id = 0;
  while (id == 0) id = generator();  // 0 is no id
  return fmt::format("{:016x}", id);
}

int64_t UnixNanoseconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

RequestTrace::RequestTrace(const TraceContext& parent, About about, SpanQueue* spans)
    : parent_(parent), about_(std::move(about)), spans_(spans) {}

void RequestTrace::NoteCollection(const std::string& ref) {
  const MutexLock lock(mutex_);
  collection_ = ref;
}

void RequestTrace::NoteRun(uint64_t epoch, uint64_t step) {
  const MutexLock lock(mutex_);
  is_run_ = true;
  epoch_ = epoch;
  step_ = step;
}

void RequestTrace::Fail(const Status& why) {
  const MutexLock lock(mutex_);
  failure_ = why;
}

void RequestTrace::End() {
  if (spans_ == nullptr) return;
  try {
    spans_->Push(MakeSpan());
  } catch (const std::exception&) {  // no memory for it
    spans_->CountLost(1);
  }
}

// Names are those of OpenTelemetry's conventions for databases; what they lack begins with
// "augstore.".
Span RequestTrace::MakeSpan() {
  const MutexLock lock(mutex_);
  // A name without its version: backends keep a series for each name of a span.
  const std::string collection = collection_.substr(0, collection_.find('@'));
  Span span{.trace_id = parent_.trace_id,
            .span_id = NewSpanId(),
            .parent_span_id = parent_.span_id,
            .name = about_.operation + (collection.empty() ? "" : " " + collection),
            .start_unix_ns = UnixNanoseconds(began_),
            .end_unix_ns = 0,
            .attributes = {{"db.system.name", "augstore"}, {"db.operation.name", about_.operation}},
            .failed = !failure_.ok(),
            .failure = std::string(failure_.message().substr(0, kMostFailureBytes))};
  const std::chrono::nanoseconds taken = Clock::now() - clock_began_;  // however clocks are set
  span.end_unix_ns = span.start_unix_ns + taken.count();
  const auto add = [&span](const char* key, auto value) {
    span.attributes.push_back({key, std::move(value)});
  };
  if (!collection.empty()) {
    add("db.collection.name", collection);
    add("augstore.collection", collection_);
  }
  if (!about_.server_address.empty()) add("server.address", about_.server_address);
  if (about_.server_port != 0) add("server.port", int64_t{about_.server_port});
  if (!failure_.ok()) {
    add("error.type", std::string(CodeName(failure_.code())));
    add("db.response.status_code", std::string(CodeName(failure_.code())));
  }
  if (!is_run_) return span;
  add("augstore.epoch", static_cast<int64_t>(epoch_));
  add("augstore.step", static_cast<int64_t>(step_));
  add("augstore.batches", static_cast<int64_t>(batches_));
  add("augstore.rows", static_cast<int64_t>(rows_));
  add("augstore.store_seconds", store_seconds.seconds());
  add("augstore.transform_seconds", transform_seconds.seconds());
  add("augstore.encode_seconds", encode_seconds.seconds());
  add("augstore.wait_for_server_seconds", wait_for_server_seconds.seconds());
  add("augstore.wait_for_client_seconds", wait_for_client_seconds.seconds());
  return span;
}

}  // namespace augstore
