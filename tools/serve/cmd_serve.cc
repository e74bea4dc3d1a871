// augstore serve: a store behind sockets.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/server.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/server_mark.h"
#include "tools/cli/command.h"

namespace augstore {
namespace {

struct ServeFlags {
  CommonFlags common;
  std::vector<std::string> listen = {"tcp://127.0.0.1:7411"};
  int workers = 0;
  uint32_t max_connections = 256;
  uint64_t batch_cache_mib = 32;
  int64_t parent = 0;  // 0: none
};

std::string Join(const std::vector<Address>& addresses) {
  std::string text;
  for (const Address& address : addresses) text += (text.empty() ? "" : " ") + address.ToString();
  return text;
}

// A process whose parent has ended belongs to another one.
bool ParentLives(const ServeFlags& flags) {
  return flags.parent == 0 || ::getppid() == flags.parent;
}

Status Serve(const ServeFlags& flags) {
  if (flags.common.store.empty() && std::getenv("AUGSTORE_STORE") == nullptr) {
    return InvalidArgument("serve needs --store DIR (or AUGSTORE_STORE): the store that it opens");
  }
  const std::string path =
      flags.common.store.empty() ? std::getenv("AUGSTORE_STORE") : flags.common.store;
  ServerOptions options{
      .listen = {}, .workers = flags.workers, .max_connections = flags.max_connections};
  for (const std::string& text : flags.listen) {
    AUGSTORE_ASSIGN(const Address address, ParseAddress(text));
    options.listen.push_back(address);
  }
  StoreOptions store_options{.create = true, .memory_budget_bytes = flags.common.memory_mib << 20};
  AUGSTORE_ASSIGN(const std::unique_ptr<Store> store, OpenRocksDbStore(path, store_options));
  AUGSTORE_ASSIGN(const std::unique_ptr<Catalog> catalog, Catalog::Open(store.get()));
  Service service(catalog.get(), {.address = Join(options.listen),
                                  .batch_cache_bytes = flags.batch_cache_mib << 20});
  AUGSTORE_ASSIGN(const std::unique_ptr<Server> server, Server::Start(&service, options));
  const ServerMark mark(path, server->addresses().front().ToString());
  if (flags.common.json) {
    Json addresses = Json::array();
    for (const Address& address : server->addresses()) addresses.push_back(address.ToString());
    PrintJson({{"listening", addresses}, {"store", path}});
  } else {
    fmt::print("serving {} at {} (stop with Ctrl-C)\n", path, Join(server->addresses()));
    std::fflush(stdout);
  }
  while (!Interrupted() && ParentLives(flags))
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server->Stop();
  if (!flags.common.quiet) std::fprintf(stderr, "stopped\n");
  return OkStatus();
}

}  // namespace

void AddServeCommand(CLI::App* app) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = AddCommand(app, "serve", "Serve a store until Ctrl-C or SIGTERM",
                                 "augstore serve --store db --listen tcp://127.0.0.1:7411 "
                                 "--listen unix:///run/user/1000/augstore.sock",
                                 [flags] { return Serve(*flags); });
  AddCommonFlags(command, &flags->common);
  command->remove_option(command->get_option("--connect"));
  command->add_option("--listen", flags->listen, "Address to listen at; may be given several times")
      ->capture_default_str();
  command->add_option("--workers", flags->workers,
                      "Threads that build batches (default: all cores)");
  command
      ->add_option("--batch-cache", flags->batch_cache_mib,
                   "MiB of batches kept for other clients of the same stream; 0: none")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("--max-connections", flags->max_connections, "Connections served at a time")
      ->capture_default_str();
  command->add_option("--parent", flags->parent,
                      "Stop when the process of this id, which started the server, has ended");
}

}  // namespace augstore
