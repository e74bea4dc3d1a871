// augstore serve: a store behind sockets.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/http/http_server.h"
#include "server/sockets/log.h"
#include "server/sockets/server.h"
#include "server/traces/span_exporter.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/server_mark.h"
#include "tools/cli/command.h"
#include "tools/flags/config_file.h"
#include "tools/serve/default_socket.h"
#include "tools/serve/serve_flags.h"

namespace augstore {
namespace {

// More would serve nobody.
constexpr uint64_t kMostMessageBytes = uint64_t{8} << 30;
constexpr uint64_t kMostStreamBytes = uint64_t{8} << 30;
constexpr uint64_t kMostDraftBytes = uint64_t{8} << 30;

std::string Join(const std::vector<Address>& addresses) {
  std::string text;
  for (const Address& address : addresses) text += (text.empty() ? "" : " ") + address.ToString();
  return text;
}

Result<std::vector<Address>> ParseAddresses(const std::vector<std::string>& texts) {
  std::vector<Address> addresses;
  for (const std::string& text : texts) {
    AUGSTORE_ASSIGN(const Address address, ParseAddress(text));
    addresses.push_back(address);
  }
  return addresses;
}

bool IsUnix(const Address& address) { return address.kind == Address::Kind::kUnix; }
bool IsTls(const Address& address) { return address.kind == Address::Kind::kTls; }

// Where to listen: as was asked, and in any case at a Unix socket, so that the store's owner can
// get in without a key.
Result<std::vector<Address>> Listeners(const ServeFlags& flags, const std::string& store) {
  AUGSTORE_ASSIGN(std::vector<Address> addresses, ParseAddresses(flags.listen));
  if (std::ranges::none_of(addresses, IsUnix)) {
    AUGSTORE_ASSIGN(const Address address, DefaultSocket(store));
    addresses.push_back(address);
  }
  return addresses;
}

// What the operator should know about TCP.
void SayWhoGetsIn(const std::vector<Address>& addresses, bool insecure, bool has_keys) {
  if (std::ranges::all_of(addresses, IsUnix)) return;
  if (insecure) {
    std::fprintf(stderr,
                 "augstore: --insecure: anybody who reaches a TCP address of this server may read, "
                 "write and delete all that it has\n");
  } else if (!has_keys) {
    const auto own = std::ranges::find_if(addresses, IsUnix);
    std::fprintf(
        stderr,
        "augstore: nobody gets in over TCP yet, as the store has no key: augstore key create "
        "--connect %s --role read\n",
        own->ToString().c_str());
  }
}

// Null when no address is asked for. Errors: those of HttpServer::Start.
Result<std::unique_ptr<HttpServer>> StartHttp(const ServeFlags& flags, Service* service,
                                              const Server& server,
                                              const std::vector<Address>& listen) {
  if (listen.empty()) return std::unique_ptr<HttpServer>();
  const HttpOptions options{.listen = listen,
                            .insecure = flags.insecure,
                            .max_failed_handshakes = flags.max_failed_handshakes,
                            .tls = flags.tls,
                            .api = {.images = flags.images}};
  return HttpServer::Start(
      service, [&server] { return server.IsAlive(); }, options);
}

// Reads certificate and key again.
void ReloadTls(Server& server, HttpServer* http) {
  const auto say = [](const Result<std::string>& reloaded) {
    if (reloaded.ok()) {
      Log().info("new connections get the certificate of {}", *reloaded);
    } else {
      Log().error("the certificate stays as it was: {}", reloaded.status().message());
    }
  };
  if (std::ranges::any_of(server.addresses(), IsTls)) say(server.ReloadTls());
  if (http != nullptr && std::ranges::any_of(http->addresses(), IsTls)) say(http->ReloadTls());
}

// Errors: kInvalidArgument (an address in tls:// without a certificate).
Status CheckCertificate(const ServeFlags& flags, std::vector<Address> addresses) {
  AUGSTORE_ASSIGN(const std::vector<Address> listen, ParseAddresses(flags.listen));
  addresses.insert(addresses.end(), listen.begin(), listen.end());
  const auto tls = std::ranges::find_if(addresses, IsTls);
  if (tls == addresses.end() || !flags.tls.certificate.empty() || !flags.tls.key.empty()) {
    return OkStatus();
  }
  return InvalidArgument("{} needs a certificate and its key: give --tls-cert and --tls-key",
                         tls->ToString());
}

ServerOptions OptionsOf(const ServeFlags& flags, const std::vector<Address>& listen,
                        const std::vector<Address>& http) {
  ServerOptions options{.listen = listen,
                        .insecure = flags.insecure,
                        .max_failed_handshakes = flags.max_failed_handshakes,
                        .tls = flags.tls,
                        .workers = flags.workers,
                        .max_connections = flags.max_connections,
                        .max_host_connections = flags.max_host_connections,
                        .max_host_strangers = flags.max_host_strangers,
                        .idle_timeout = std::chrono::seconds(flags.idle_timeout_s),
                        .write_timeout = std::chrono::seconds(flags.write_timeout_s),
                        .frame_timeout = std::chrono::seconds(flags.frame_timeout_s),
                        .least_rate = uint64_t{flags.least_rate_kib} << 10,
                        .request_timeout = std::chrono::seconds(flags.request_timeout_s)};
  // The certificate may be for HTTP alone.
  if (std::ranges::none_of(listen, IsTls) && std::ranges::any_of(http, IsTls)) options.tls = {};
  return options;
}

Json AddressesJson(const std::vector<Address>& addresses) {
  Json json = Json::array();
  for (const Address& address : addresses) json.push_back(address.ToString());
  return json;
}

// As a browser takes them.
std::string UrlsOf(const std::vector<Address>& addresses) {
  std::string text;
  for (const Address& address : addresses) {
    const std::string scheme = IsTls(address) ? "https" : "http";
    text += (text.empty() ? "" : " ") +
            (IsUnix(address) ? address.ToString()
                             : fmt::format("{}://{}/", scheme, address.ToString().substr(6)));
  }
  return text;
}

void SayWhere(const ServeFlags& flags, const std::string& path, const std::vector<Address>& bound,
              const HttpServer* http) {
  Json json = {{"listening", AddressesJson(bound)}, {"store", path}};
  std::string text = fmt::format("serving {} at {} (stop with Ctrl-C)\n", path, Join(bound));
  if (http != nullptr) {
    json["http"] = AddressesJson(http->addresses());
    text += fmt::format("console, health and metrics at {}\n", UrlsOf(http->addresses()));
  }
  Emit(flags.local, json, text);
  std::fflush(stdout);
}

// What the file says now and did not when the server was started: only certificates are read again.
void SayWhatWaits(const ServeFlags& flags, const ConfigValues& at_start) {
  const Result<ConfigValues> now = ReadConfig(*flags.serve->parent(), flags.config, *flags.serve);
  if (!now.ok()) return Log().error("the configuration is not read: {}", now.status().message());
  for (const Flag& flag : flags.serve->flags()) {
    const auto before = at_start.find(flag.name());
    const auto after = now->find(flag.name());
    const bool is_same = before == at_start.end() || after == now->end()
                             ? before == at_start.end() && after == now->end()
                             : before->second == after->second;
    // What the command line or the environment says holds whatever the file says.
    const bool is_overridden =
        before != at_start.end() && !before->second.empty() && flag.Texts() != before->second;
    if (is_same || is_overridden) continue;
    Log().warn("{}: {} has changed: that takes effect when the server is started again",
               flags.config, flag.name().substr(2));
  }
}

// A process whose parent has ended belongs to another one.
bool ParentLives(const ServeFlags& flags) {
  return flags.parent == 0 || ::getppid() == flags.parent;
}

// A quarter of the memory is for requests and replies, an eighth for what streams share, an eighth
// for collections that are being written, the rest for embeddings.
struct MemoryShares {
  uint64_t messages = 0;
  uint64_t streams = 0;
  uint64_t drafts = 0;
  uint64_t embeddings = 0;
};
MemoryShares SharesOf(uint64_t memory) {
  MemoryShares shares{.messages = std::min(memory / 4, kMostMessageBytes),
                      .streams = std::min(memory / 8, kMostStreamBytes),
                      .drafts = std::min(memory / 8, kMostDraftBytes)};
  shares.embeddings = memory - shares.messages - shares.streams - shares.drafts;
  return shares;
}

Result<std::unique_ptr<Store>> OpenStore(const ServeFlags& flags, const std::string& path,
                                         const MemoryShares& memory) {
  const StoreOptions options{.access = flags.create ? StoreAccess::kCreate : StoreAccess::kWrite,
                             .memory_budget_bytes = memory.embeddings};
  Result<std::unique_ptr<Store>> opened = OpenRocksDbStore(path, options);
  if (opened.status().code() != Code::kNotFound) return opened;
  return NotFound("there is no store at '{}': correct --store, or give --create to make one", path);
}

Status Serve(const ServeFlags& flags) {
  const char* const named = std::getenv("AUGSTORE_STORE");
  const std::string path =
      flags.local.store.empty() && named != nullptr ? named : flags.local.store;
  InstallHangUpHandler();
  const std::string level = flags.local.quiet ? "warn" : "info";
  ConfigureLog(flags.log_format == "json" ? LogFormat::kJson : LogFormat::kText,
               flags.log_level.empty() ? level : flags.log_level);
  if (path.empty()) {
    return InvalidArgument("serve needs --store DIR (or AUGSTORE_STORE): the store that it opens");
  }
  AUGSTORE_ASSIGN(const std::vector<Address> http_addresses, ParseAddresses(flags.http));
  AUGSTORE_TRY(CheckCertificate(flags, http_addresses));
  // The last to go: a look-up of its collector's name may last longer than whoever stops the server
  // waits for the store to be closed.
  AUGSTORE_ASSIGN(const std::unique_ptr<SpanExporter> traces,
                  SpanExporter::Start(flags.traces, [](auto& why) { Log().warn("{}", why); }));
  const MemoryShares memory = SharesOf(flags.local.memory_mib << 20);
  AUGSTORE_ASSIGN(const std::unique_ptr<Store> store, OpenStore(flags, path, memory));
  AUGSTORE_ASSIGN(const std::unique_ptr<Catalog> catalog,
                  Catalog::Open(store.get(), kDraftStep, memory.drafts));
  AUGSTORE_ASSIGN(const std::vector<Address> listen, Listeners(flags, path));
  std::unique_ptr<AuditLog> audit;
  if (flags.audit_size_mib > 0) {
    audit = std::make_unique<AuditLog>(path, flags.audit_size_mib << 20);
  }
  ConfigValues config;
  if (!flags.config.empty()) {
    AUGSTORE_ASSIGN(config, ReadConfig(*flags.serve->parent(), flags.config, *flags.serve));
  }
  Service service(catalog.get(), {.address = Join(listen),
                                  .batch_cache_bytes = flags.batch_cache_mib << 20,
                                  .message_bytes = memory.messages,
                                  .stream_bytes = memory.streams,
                                  .backup_folder = flags.backup_dir,
                                  .folder = path,
                                  .least_free_bytes = flags.least_free_mib << 20,
                                  .settings = SettingsJson(*flags.serve, config, flags.config),
                                  .audit = audit.get(),
                                  .spans = traces == nullptr ? nullptr : traces->queue()});
  AUGSTORE_ASSIGN(const std::unique_ptr<Server> server,
                  Server::Start(&service, OptionsOf(flags, listen, http_addresses)));
  AUGSTORE_ASSIGN(const std::unique_ptr<HttpServer> http,
                  StartHttp(flags, &service, *server, http_addresses));
  const std::vector<Address>& bound = server->addresses();
  const ServerMark mark(path, std::ranges::find_if(bound, IsUnix)->ToString());
  SayWhoGetsIn(bound, flags.insecure, service.HasKeys());
  SayWhere(flags, path, bound, http.get());
  while (!Interrupted() && ParentLives(flags)) {
    if (TakeHangUp()) {
      ReloadTls(*server, http.get());
      if (!flags.config.empty()) SayWhatWaits(flags, config);
      if (flags.config.empty() && flags.tls.certificate.empty()) {
        Log().info("SIGHUP: there is nothing to read again: no certificate, no file of settings");
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (http != nullptr) http->Stop();
  server->Stop();
  if (!flags.local.quiet) std::fprintf(stderr, "stopped\n");
  return OkStatus();
}

}  // namespace

void AddServeCommand(Command* app) {
  AddCommand<ServeFlags>(
      app, "serve", "Serve a store until Ctrl-C or SIGTERM",
      "augstore serve --store db                                   for this user\n"
      "augstore serve --store db --listen tcp://127.0.0.1:7411     and for keys\n"
      "augstore serve --store db --listen tls://0.0.0.0:7411 --tls-cert server.pem --tls-key "
      "server.key",
      AddServeFlags, Serve);
}

}  // namespace augstore
