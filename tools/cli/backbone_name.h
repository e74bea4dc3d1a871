// How messages and listings name a backbone.
#ifndef AUGSTORE_TOOLS_CLI_BACKBONE_NAME_H_
#define AUGSTORE_TOOLS_CLI_BACKBONE_NAME_H_

#include <string>

#include "client/client.h"

namespace augstore {

// "resnet@1 (digest fbc3d81a04b2…)"; the digest alone where it is not registered or the database
// does not answer.
std::string BackboneName(Client& client, const Digest& digest);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_BACKBONE_NAME_H_
