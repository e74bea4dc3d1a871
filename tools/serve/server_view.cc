#include "tools/serve/server_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

// Streams that waited for less than this share of the time are as fast as they are asked for.
constexpr double kIdleShare = 0.02;

double Number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}
std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}
Json Part(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() ? *found : Json();
}

// What a counter grew by, a second.
class Rates {
 public:
  explicit Rates(double seconds) : seconds_(std::max(seconds, 1e-9)) {}
  double Of(const Json& before, const Json& now, const char* key) const {
    return std::max(0.0, Number(now, key) - Number(before, key)) / seconds_;
  }

 private:
  const double seconds_;
};

bool IsSame(const Json& a, const Json& b) {
  return std::ranges::all_of(std::initializer_list<const char*>{"who", "peer", "fingerprint"},
                             [&](const char* key) { return Text(a, key) == Text(b, key); }) &&
         Number(a, "rank") == Number(b, "rank");
}

Json StreamView(const Json& before, const Json& stream, const Rates& rates) {
  Json was;  // a stream that has begun since has no past
  for (const Json& other : before) {
    if (IsSame(other, stream)) was = other;
  }
  Json view;
  for (const char* key : {"who", "peer", "collection", "policy", "rank", "world_size", "epoch",
                          "step", "steps", "idle_s"}) {
    view[key] = Part(stream, key);
  }
  view["rows_per_s"] = rates.Of(was, stream, "rows");
  view["wait_for_server"] = rates.Of(was, stream, "wait_for_server_s");
  view["wait_for_client"] = rates.Of(was, stream, "wait_for_client_s");
  return view;
}

const char* WaitKey(std::string_view who) {
  return who == "server" ? "wait_for_server" : "wait_for_client";
}

std::string Percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string WaitText(const Json& stream) {
  const double server = Number(stream, "wait_for_server");
  const double client = Number(stream, "wait_for_client");
  const double all = server + client;
  if (all < kIdleShare) return "-";
  return server > client ? "server " + Percent(server / all) : "client " + Percent(client / all);
}

}  // namespace

std::string BottleneckText(const Json& waits, const Json& stages) {
  const double server = Number(waits, "server");
  const double client = Number(waits, "client");
  const double all = server + client;
  if (all < kIdleShare) return "no stream waits: the server has nothing to do";
  if (client >= server) {
    return fmt::format(
        "streams wait for their clients or the network ({} of the time): the server is not what is "
        "slow",
        Percent(client / all));
  }
  const char* largest = "store";
  double sum = 0;
  for (const char* stage : {"store", "transform", "encode"}) {
    sum += Number(stages, stage);
    if (Number(stages, stage) > Number(stages, largest)) largest = stage;
  }
  return fmt::format(
      "streams wait for the server ({} of the time): its workers spend {} of theirs on '{}'",
      Percent(server / all), Percent(sum > 0 ? Number(stages, largest) / sum : 0), largest);
}

Result<Json> CompareStats(const Json& before, const Json& now) {
  if (!now.contains("uptime_s")) {
    return PermissionDenied("watching a server needs a key without a scope");
  }
  if (Text(now, "address").empty()) {
    return FailedPrecondition(
        "there is no server to watch here: name one with --connect (`augstore stats` shows a "
        "store)");
  }
  const double seconds = Number(now, "uptime_s") - Number(before, "uptime_s");
  if (seconds <= 0) return FailedPrecondition("the server was restarted");
  const Rates rates(seconds);
  const Json stages_before = Part(before, "stages_s");
  const Json stages_now = Part(now, "stages_s");
  const auto stage = [&](const char* key) { return rates.Of(stages_before, stages_now, key); };
  const Json requests_before = Part(before, "requests");
  const Json requests_now = Part(now, "requests");
  double requests = 0;
  for (const auto& [request, count] : requests_now.items()) {
    requests += rates.Of(requests_before, requests_now, request.c_str());
  }
  Json view = {
      {"seconds", seconds},
      {"rows_per_s", rates.Of(before, now, "rows")},
      {"batches_per_s", rates.Of(before, now, "batches")},
      {"bytes_per_s", rates.Of(before, now, "bytes")},
      {"requests_per_s", requests},
      {"connections", Number(now, "connections")},
      {"stages",
       {{"store", stage("store")}, {"transform", stage("transform")}, {"encode", stage("encode")}}},
      {"waits", {{"server", stage("wait_for_server")}, {"client", stage("wait_for_client")}}}};
  view["streams"] = Json::array();
  const Json streams_before = Part(before, "streams");
  const Json streams_now = Part(now, "streams");
  for (const Json& stream : streams_now) {
    view["streams"].push_back(StreamView(streams_before, stream, rates));
  }
  // Those of streams count waits that still go on, too.
  for (const char* who : {"server", "client"}) {
    double sum = 0;
    for (const Json& stream : view["streams"]) sum += Number(stream, WaitKey(who));
    view["waits"][who] = std::max(sum, Number(view["waits"], who));
  }
  view["bottleneck"] = BottleneckText(view["waits"], view["stages"]);
  return view;
}

std::string ServerViewText(const Json& view) {
  std::string text =
      fmt::format("{} rows/s in {} batches/s, {}/s; {} requests/s; {:.0f} connections\n",
                  HumanCount(Number(view, "rows_per_s")), HumanCount(Number(view, "batches_per_s")),
                  HumanBytes(Number(view, "bytes_per_s")),
                  HumanCount(Number(view, "requests_per_s")), Number(view, "connections"));
  const Json stages = Part(view, "stages");
  text +=
      fmt::format("workers, seconds in a second: store {:.2f}, transform {:.2f}, encode {:.2f}\n",
                  Number(stages, "store"), Number(stages, "transform"), Number(stages, "encode"));
  text += Text(view, "bottleneck") + "\n";
  const Json streams = Part(view, "streams");
  if (streams.empty()) return text;
  Table table({"client", "collection", "policy", "rank", "epoch", "step", "rows/s", "waits for"});
  for (const Json& stream : streams) {
    const bool idle = Number(stream, "idle_s") >= 1 && Number(stream, "rows_per_s") == 0;
    table.Row(
        {fmt::format("{} {}", Text(stream, "who"), Text(stream, "peer")),
         Text(stream, "collection"), Text(stream, "policy"),
         fmt::format("{:.0f}/{:.0f}", Number(stream, "rank"), Number(stream, "world_size")),
         fmt::format("{:.0f}", Number(stream, "epoch")),
         fmt::format("{:.0f}/{:.0f}", Number(stream, "step"), Number(stream, "steps")),
         HumanCount(Number(stream, "rows_per_s")),
         idle ? fmt::format("idle for {:.0f} s", Number(stream, "idle_s")) : WaitText(stream)});
  }
  return text + table.ToString();
}

}  // namespace augstore
