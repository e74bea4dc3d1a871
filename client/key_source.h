// Where a client has its key from. Never from the command line: every user of the machine sees the
// words of a running command.
#ifndef AUGSTORE_CLIENT_KEY_SOURCE_H_
#define AUGSTORE_CLIENT_KEY_SOURCE_H_

#include <string>

#include "schemas/base/address.h"
#include "schemas/base/status.h"

namespace augstore {

// The key in `file`; if that is empty and `address` is TCP, the one in the file that
// AUGSTORE_KEY_FILE names, else that of AUGSTORE_KEY; else none: empty. Errors: kNotFound and
// kUnavailable (the file), kInvalidArgument (what is there is no key). No message holds any of it.
Result<std::string> FindKey(const Address& address, const std::string& file);

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_KEY_SOURCE_H_
