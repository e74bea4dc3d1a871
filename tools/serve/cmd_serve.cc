// augstore serve: a store behind sockets.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/sockets/log.h"
#include "server/sockets/server.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/server_mark.h"
#include "tools/cli/command.h"
#include "tools/serve/default_socket.h"

namespace augstore {
namespace {

struct ServeFlags {
  CommonFlags local;  // without --connect
  std::vector<std::string> listen;
  TlsFiles tls;
  bool insecure = false;
  uint32_t max_failed_handshakes = 10;
  int workers = 0;
  uint32_t max_connections = 256;
  uint32_t max_host_connections = 0;
  uint32_t max_host_strangers = 0;
  uint32_t idle_timeout_s = 300;
  uint32_t write_timeout_s = 60;
  uint32_t frame_timeout_s = 10;
  uint32_t least_rate_kib = 64;
  uint32_t request_timeout_s = 120;
  uint64_t batch_cache_mib = 32;
  std::string backup_dir;
  uint64_t audit_size_mib = AuditFile::kMaxBytes >> 20;
  int64_t parent = 0;  // 0: none
  bool create = false;
};

// More would serve nobody.
constexpr uint64_t kMostMessageBytes = uint64_t{8} << 30;
constexpr uint64_t kMostStreamBytes = uint64_t{8} << 30;
constexpr uint64_t kMostDraftBytes = uint64_t{8} << 30;

std::string Join(const std::vector<Address>& addresses) {
  std::string text;
  for (const Address& address : addresses) text += (text.empty() ? "" : " ") + address.ToString();
  return text;
}

bool IsUnix(const Address& address) { return address.kind == Address::Kind::kUnix; }

// Where to listen: as was asked, and in any case at a Unix socket, so that the store's owner can
// get in without a key.
Result<std::vector<Address>> Listeners(const ServeFlags& flags, const std::string& store) {
  std::vector<Address> addresses;
  for (const std::string& text : flags.listen) {
    AUGSTORE_ASSIGN(const Address address, ParseAddress(text));
    addresses.push_back(address);
  }
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

// Reads certificate and key again.
void ReloadTls(Server& server) {
  const Result<std::string> reloaded = server.ReloadTls();
  if (reloaded.ok()) {
    Log().info("new connections get the certificate of {}", *reloaded);
  } else {
    Log().error("the certificate stays as it was: {}", reloaded.status().message());
  }
}

// A process whose parent has ended belongs to another one.
bool ParentLives(const ServeFlags& flags) {
  return flags.parent == 0 || ::getppid() == flags.parent;
}

Status Serve(const ServeFlags& flags) {
  const char* const named = std::getenv("AUGSTORE_STORE");
  const std::string path =
      flags.local.store.empty() && named != nullptr ? named : flags.local.store;
  if (path.empty()) {
    return InvalidArgument("serve needs --store DIR (or AUGSTORE_STORE): the store that it opens");
  }
  ServerOptions options{.listen = {},
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
  for (const std::string& text : flags.listen) AUGSTORE_TRY(ParseAddress(text));
  // A quarter of the memory is for requests and replies, an eighth for what streams share, an
  // eighth for collections that are being written, the rest for embeddings.
  const uint64_t memory = flags.local.memory_mib << 20;
  const uint64_t message_bytes = std::min(memory / 4, kMostMessageBytes);
  const uint64_t stream_bytes = std::min(memory / 8, kMostStreamBytes);
  const uint64_t draft_bytes = std::min(memory / 8, kMostDraftBytes);
  StoreOptions store_options{
      .access = flags.create ? StoreAccess::kCreate : StoreAccess::kWrite,
      .memory_budget_bytes = memory - message_bytes - stream_bytes - draft_bytes};
  Result<std::unique_ptr<Store>> opened = OpenRocksDbStore(path, store_options);
  if (opened.status().code() == Code::kNotFound) {
    return NotFound("there is no store at '{}': correct --store, or give --create to make one",
                    path);
  }
  AUGSTORE_ASSIGN(const std::unique_ptr<Store> store, std::move(opened));
  AUGSTORE_ASSIGN(const std::unique_ptr<Catalog> catalog,
                  Catalog::Open(store.get(), kDraftStep, draft_bytes));
  AUGSTORE_ASSIGN(options.listen, Listeners(flags, path));
  std::unique_ptr<AuditLog> audit;
  if (flags.audit_size_mib > 0) {
    audit = std::make_unique<AuditLog>(path, flags.audit_size_mib << 20);
  }
  Service service(catalog.get(), {.address = Join(options.listen),
                                  .batch_cache_bytes = flags.batch_cache_mib << 20,
                                  .message_bytes = message_bytes,
                                  .stream_bytes = stream_bytes,
                                  .backup_folder = flags.backup_dir,
                                  .audit = audit.get()});
  AUGSTORE_ASSIGN(const std::unique_ptr<Server> server, Server::Start(&service, options));
  if (!flags.tls.certificate.empty()) InstallHangUpHandler();
  const std::vector<Address>& bound = server->addresses();
  const ServerMark mark(path, std::ranges::find_if(bound, IsUnix)->ToString());
  Json addresses = Json::array();
  for (const Address& address : bound) addresses.push_back(address.ToString());
  SayWhoGetsIn(bound, flags.insecure, service.HasKeys());
  Emit(flags.local, {{"listening", addresses}, {"store", path}},
       fmt::format("serving {} at {} (stop with Ctrl-C)\n", path, Join(bound)));
  std::fflush(stdout);
  while (!Interrupted() && ParentLives(flags)) {
    if (TakeHangUp()) ReloadTls(*server);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  server->Stop();
  if (!flags.local.quiet) std::fprintf(stderr, "stopped\n");
  return OkStatus();
}

void AddConnectionFlags(Command* command, ServeFlags* flags) {
  command
      ->AddFlag("--max-connections", &flags->max_connections,
                "Connections served at a time; an idle one makes room for a new one")
      .Positive();
  command
      ->AddFlag("--max-connections-per-host", &flags->max_host_connections,
                "Of these, for one host over TCP (an IPv4 address, an IPv6 /64 network); one of "
                "its own makes room (default: half)")
      .AtLeast(0);
  command
      ->AddFlag(
          "--max-unauthenticated-per-host", &flags->max_host_strangers,
          "Of these, those that have presented no key yet; the oldest is closed for a new one "
          "(default: an eighth)")
      .AtLeast(0);
  command
      ->AddFlag("--request-timeout", &flags->request_timeout_s,
                "Seconds that a query or a batch may take")
      .Positive();
  command
      ->AddFlag("--idle-timeout", &flags->idle_timeout_s,
                "Seconds without a request after which a connection is closed")
      .Positive();
  command
      ->AddFlag("--write-timeout", &flags->write_timeout_s,
                "Seconds without taking any of a reply after which a connection is closed")
      .Positive();
  command
      ->AddFlag("--frame-timeout", &flags->frame_timeout_s,
                "Seconds to send a request, or take a reply, whole; more for large ones")
      .Positive();
  command
      ->AddFlag("--least-rate", &flags->least_rate_kib,
                "KiB a second at which large requests and replies must pass at least")
      .Positive();
}

void AddFlags(Command* command, ServeFlags* flags) {
  AddLocalFlags(command, &flags->local);
  command->AddFlag("--create", &flags->create, "Make an empty store where the folder has none");
  command->AddFlag(
      "--listen", &flags->listen,
      "Address to listen at; may be given several times. TCP connections need a key, and without "
      "TLS come from this machine alone (default: augstore.sock in the store's folder, which is "
      "there whenever no Unix socket is named)");
  command->AddFlag(
      "--insecure", &flags->insecure,
      "TCP without keys, from other machines too: anybody who reaches the port may read, "
      "write and delete everything");
  command
      ->AddFlag(
          "--max-failed-handshakes", &flags->max_failed_handshakes,
          "Wrong keys in a minute after which a host's connections are refused; 0: any number")
      .AtLeast(0);
  command->AddFlag("--tls-cert", &flags->tls.certificate,
                   "Certificate for addresses in tls://, in PEM; read again on SIGHUP");
  command->AddFlag("--tls-key", &flags->tls.key,
                   "Key of the certificate, in a file that nobody else can read");
  command->AddFlag("--tls-client-ca", &flags->tls.ca,
                   "Clients in tls:// need a certificate from these authorities, in PEM");
  command->AddFlag("--workers", &flags->workers, "Threads that build batches (default: all cores)")
      .AtLeast(0);
  command
      ->AddFlag("--batch-cache", &flags->batch_cache_mib,
                "MiB of batches kept for other clients of the same stream; 0: none")
      .Range(0, 1 << 24);
  command->AddFlag("--backup-dir", &flags->backup_dir,
                   "Folder in which clients may have backups made (default: they may not)");
  command
      ->AddFlag("--audit-size", &flags->audit_size_mib,
                "MiB of one file of the audit log, of which ten are kept; 0: no audit log")
      .Range(0, 1 << 20);
  AddConnectionFlags(command, flags);
  command
      ->AddFlag("--parent", &flags->parent,
                "Stop when the process of this id, which started the server, has ended (default: "
                "serve until Ctrl-C)")
      .AtLeast(0);
}

}  // namespace

void AddServeCommand(Command* app) {
  AddCommand<ServeFlags>(
      app, "serve", "Serve a store until Ctrl-C or SIGTERM",
      "augstore serve --store db                                   for this user\n"
      "augstore serve --store db --listen tcp://127.0.0.1:7411     and for keys\n"
      "augstore serve --store db --listen tls://0.0.0.0:7411 --tls-cert server.pem --tls-key "
      "server.key",
      AddFlags, Serve);
}

}  // namespace augstore
