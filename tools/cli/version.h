// What `augstore --version` prints: augstore's version and those of the libraries that decide its
// results.
#ifndef AUGSTORE_TOOLS_CLI_VERSION_H_
#define AUGSTORE_TOOLS_CLI_VERSION_H_

#include <string>

namespace augstore {

std::string VersionText();

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_VERSION_H_
