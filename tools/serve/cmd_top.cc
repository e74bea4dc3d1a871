// augstore top: what a server does now, and what is slow.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/cli/command.h"
#include "tools/serve/server_view.h"

namespace augstore {
namespace {

struct TopFlags {
  CommonFlags common;
  double interval_s = 1;
  uint64_t count = 0;  // 0: until Ctrl-C
};

Result<Json> ReadStats(Client& client) {
  AUGSTORE_ASSIGN(const StatsReply reply, client.Call<StatsReply>(StatsRequest{}));
  Json stats = Json::parse(reply.json, nullptr, false);
  if (stats.is_discarded()) return Internal("the server's statistics are not JSON");
  return stats;
}

// False: interrupted.
bool Wait(double seconds) {
  constexpr double kNap = 0.05;
  for (; seconds > 0 && !Interrupted(); seconds -= kNap) {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(kNap, seconds)));
  }
  return !Interrupted();
}

void Show(const TopFlags& flags, const Json& view) {
  if (flags.common.json) {
    std::printf("%s\n", view.dump().c_str());  // a line for each look
  } else {
    const bool redraw = ::isatty(STDOUT_FILENO) == 1 && flags.count != 1;
    std::printf("%s%s%s", redraw ? "\x1b[H\x1b[J" : "", ServerViewText(view).c_str(),
                redraw ? "" : "\n");
  }
  std::fflush(stdout);
}

Status Top(const TopFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(Json before, ReadStats(client));
  for (uint64_t looks = 0; flags.count == 0 || looks < flags.count; ++looks) {
    if (!Wait(flags.interval_s)) break;
    AUGSTORE_ASSIGN(Json now, ReadStats(client));
    AUGSTORE_ASSIGN(const Json view, CompareStats(before, now));
    Show(flags, view);
    before = std::move(now);
  }
  return OkStatus();
}

}  // namespace

void AddTopCommand(Command* app) {
  AddCommand<TopFlags>(
      app, "top", "Watch a server: its streams, their clients and rates, and what is slow",
      "augstore top --connect tcp://127.0.0.1:7411\n"
      "augstore top --connect tcp://127.0.0.1:7411 --count 1 --json    one look, for a program\n\n"
      "Streams wait for the server, to build their next batch, or for their client or the network, "
      "to take one.\nCtrl-C ends it. Needs a key without a scope.",
      [](Command* command, TopFlags* flags) {
        command->AddFlag("--interval", &flags->interval_s, "Seconds between two looks")
            .Range(0.1, 3600);
        command->AddFlag("--count", &flags->count, "Looks after which it ends; 0: on Ctrl-C")
            .AtLeast(0);
      },
      Top);
}

}  // namespace augstore
