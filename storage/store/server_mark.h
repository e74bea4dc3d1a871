// Which server holds a store: a file in the store's folder.
#ifndef AUGSTORE_STORAGE_STORE_SERVER_MARK_H_
#define AUGSTORE_STORAGE_STORE_SERVER_MARK_H_

#include <string>

#include "schemas/base/status.h"

namespace augstore {

// Notes that this process serves the store at `address`, until it is destroyed. Without effect
// where the folder cannot be written: the mark only improves a message.
class ServerMark {
 public:
  ServerMark(const std::string& store_path, const std::string& address);
  ~ServerMark();
  ServerMark(const ServerMark&) = delete;
  ServerMark& operator=(const ServerMark&) = delete;

 private:
  std::string file_;
};

// Why the store at `store_path`, whose lock another process has, cannot be opened:
// kFailedPrecondition, with the server's address when a living server marked the store.
Status StoreIsHeld(const std::string& store_path);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_SERVER_MARK_H_
