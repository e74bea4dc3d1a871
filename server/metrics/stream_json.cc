#include "server/metrics/stream_json.h"

#include <chrono>
#include <nlohmann/json.hpp>

namespace augstore {

nlohmann::ordered_json StreamJson(const StreamActivity& stream,
                                  StreamActivity::Clock::time_point now) {
  using Wait = StreamActivity::Wait;
  const StreamDescription& of = stream.of;
  nlohmann::ordered_json json = {
      {"id", std::to_string(stream.id)},
      {"who", of.who},
      {"peer", of.peer},
      {"collection", of.collection},
      {"policy", of.policy},
      {"fingerprint", of.fingerprint.Hex()},
      {"rank", of.rank},
      {"world_size", of.world_size},
      {"batch_size", of.batch_size},
      {"epoch", stream.epoch.load()},
      {"step", stream.step.load()},
      {"steps", of.steps},
      {"batches", stream.batches.load()},
      {"rows", stream.rows.load()},
      {"seconds", std::chrono::duration<double>(now - stream.began).count()},
      {"wait_for_server_s",
       stream.OpenSeconds(Wait::kServer, now) + stream.wait_for_server.seconds()},
      {"wait_for_client_s",
       stream.OpenSeconds(Wait::kClient, now) + stream.wait_for_client.seconds()}};
  if (!of.trace_id.empty()) json["trace_id"] = of.trace_id;
  return json;
}

}  // namespace augstore
