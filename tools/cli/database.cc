#include "tools/cli/database.h"

#include <cstdlib>

#include "client/key_source.h"
#include "server/service/service.h"
#include "storage/catalog/catalog.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tools/cli/local_channel.h"

namespace augstore {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> StoreFolder(const CommonFlags& flags) {
  if (!flags.connect.empty()) {
    return InvalidArgument("--connect {}: this works on the files of a store: give --store DIR",
                           flags.connect);
  }
  std::string store = flags.store.empty() ? FromEnvironment("AUGSTORE_STORE") : flags.store;
  if (store.empty()) return InvalidArgument("no store is named: give --store DIR");
  return store;
}

struct Database::State {
  std::unique_ptr<Store> store;  // null behind a server
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<Service> service;
  std::string address;
  std::string key;
  SocketOptions socket;
  std::unique_ptr<Client> client;
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const CommonFlags& flags, StoreAccess access,
                                                 const std::string& backup_folder) {
  std::string store = flags.store;
  std::string connect = flags.connect;
  if (!store.empty() && !connect.empty()) {
    return InvalidArgument("--store {} and --connect {} are both given: give one", store, connect);
  }
  if (store.empty() && connect.empty()) {  // a flag on the command line beats the environment
    connect = FromEnvironment("AUGSTORE_CONNECT");
    if (connect.empty()) store = FromEnvironment("AUGSTORE_STORE");
  }
  if (store.empty() && connect.empty()) {
    return InvalidArgument(
        "no database is named: give --store DIR or --connect ADDRESS (or set AUGSTORE_STORE or "
        "AUGSTORE_CONNECT)");
  }
  if (!connect.empty()) {
    auto state = std::make_unique<State>();
    state->address = connect;
    state->socket.tls = flags.tls;
    AUGSTORE_ASSIGN(const Address address, ParseAddress(connect));
    AUGSTORE_ASSIGN(state->key, FindKey(address, flags.key_file));
    AUGSTORE_ASSIGN(state->client, Client::Connect(connect, {.total = std::chrono::seconds(5)},
                                                   state->key, state->socket));
    return std::unique_ptr<Database>(new Database(std::move(state)));
  }
  StoreOptions options{.access = access, .memory_budget_bytes = flags.memory_mib << 20};
  AUGSTORE_ASSIGN(auto opened, OpenRocksDbStore(store, options));
  std::unique_ptr<AuditLog> audit;
  if (access != StoreAccess::kRead) {
    audit = std::make_unique<AuditLog>(store, AuditFile::kMaxBytes);
  }
  return Over(std::move(opened), backup_folder, std::move(audit));
}

Result<std::unique_ptr<Database>> Database::Over(std::unique_ptr<Store> store,
                                                 const std::string& backup_folder,
                                                 std::unique_ptr<AuditLog> audit) {
  auto state = std::make_unique<State>();
  state->store = std::move(store);
  state->audit = std::move(audit);
  AUGSTORE_ASSIGN(state->catalog, Catalog::Open(state->store.get()));
  state->service = std::make_unique<Service>(
      state->catalog.get(),
      ServiceOptions{.address = {}, .backup_folder = backup_folder, .audit = state->audit.get()});
  AUGSTORE_ASSIGN(state->client, Client::Open(LocalChannels(state->service.get())));
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

bool Database::is_served() const { return state_->service == nullptr; }

Client& Database::client() { return *state_->client; }

Result<std::unique_ptr<Client>> Database::NewClient() {
  if (state_->service == nullptr) {
    return Client::Connect(state_->address, {}, state_->key, state_->socket);
  }
  return Client::Open(LocalChannels(state_->service.get()));
}

}  // namespace augstore
