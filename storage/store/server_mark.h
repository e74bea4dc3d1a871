// Reading what a ServerMark wrote. Internal to storage.
#ifndef AUGSTORE_STORAGE_STORE_SERVER_MARK_H_
#define AUGSTORE_STORAGE_STORE_SERVER_MARK_H_

#include <string>

#include "schemas/base/status.h"

namespace augstore {

// Why the store at `store_path`, whose lock another process has, cannot be opened:
// kFailedPrecondition, with the server's address when a living server marked the store.
Status StoreIsHeld(const std::string& store_path);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_SERVER_MARK_H_
