// Where a server listens that was given no Unix socket.
#ifndef AUGSTORE_TOOLS_SERVE_DEFAULT_SOCKET_H_
#define AUGSTORE_TOOLS_SERVE_DEFAULT_SOCKET_H_

#include <string>

#include "schemas/base/address.h"

namespace augstore {

// augstore.sock in the folder `store`, which exists. Where that path is longer than that of a
// socket may be: a name that stands for it in $XDG_RUNTIME_DIR, else in /tmp/augstore-<uid>, which
// is made. Errors: kUnavailable (no folder of this user alone can be had), naming it.
Result<Address> DefaultSocket(const std::string& store);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SERVE_DEFAULT_SOCKET_H_
