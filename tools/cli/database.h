// Where a command's data are: a store that it opens, or a running server.
#ifndef AUGSTORE_TOOLS_CLI_DATABASE_H_
#define AUGSTORE_TOOLS_CLI_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "client/client.h"
#include "server/access/audit_log.h"
#include "storage/store/store.h"

namespace augstore {

class Store;

struct CommonFlags {
  std::string store;           // --store DIR or AUGSTORE_STORE
  std::string connect;         // --connect ADDR or AUGSTORE_CONNECT
  std::string key_file = {};   // --key-file: of --connect
  TlsFiles tls = {};           // --tls-ca, --tls-cert, --tls-key, or the environment
  uint64_t memory_mib = 2048;  // --memory: of a store opened here
  bool json = false;           // --json: results on standard output as one JSON value
  bool quiet = false;          // --quiet: no progress
};

// The store of a command that works on its files. Errors: kInvalidArgument (none is named, or a
// server).
Result<std::string> StoreFolder(const CommonFlags& flags);

// Where a command's data are: opened here (--store) or behind a server (--connect).
class Database {
 public:
  // `access` is for a store that is opened here; a command that writes nothing asks for kRead.
  // Errors: kInvalidArgument (neither or both given), and those of OpenRocksDbStore and
  // Client::Connect. `backup_folder` is where backups of a store that is opened here go.
  static Result<std::unique_ptr<Database>> Open(const CommonFlags& flags,
                                                StoreAccess access = StoreAccess::kWrite,
                                                const std::string& backup_folder = {});
  // Over a store that is open. `audit` has what is written; null: nobody does.
  static Result<std::unique_ptr<Database>> Over(std::unique_ptr<Store> store,
                                                const std::string& backup_folder = {},
                                                std::unique_ptr<AuditLog> audit = nullptr);
  ~Database();
  // Whether a server has it.
  bool is_served() const;
  // The command's client; one thread at a time.
  Client& client();
  // Another client of the same database, for another thread.
  Result<std::unique_ptr<Client>> NewClient();

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_DATABASE_H_
