// Which version of a transform a bare name means to a command that applies it by itself: the rule
// of engine/streams/transform_choice.h, by calls of a client.
#ifndef AUGSTORE_TOOLS_COLLECTION_PROVEN_TRANSFORM_H_
#define AUGSTORE_TOOLS_COLLECTION_PROVEN_TRANSFORM_H_

#include <string>
#include <vector>

#include "client/client.h"
#include "schemas/records/records.h"

namespace augstore {

// The alias `champion` where it points to one of these versions of one name, else the best proven;
// null when none is proven. REQUIRES: at least one version. Errors: those of Client::Aliases.
Result<const Versioned<TransformRecord>*> ChampionOrProven(
    Client& client, const std::vector<Versioned<TransformRecord>>& versions);

// The transform that `ref` means for `backbone`. A version, an alias, or a name that has no version
// for that backbone is what Client::Get returns, so the caller still compares backbones. Errors:
// those of Client::Get; kFailedPrecondition (a bare name of which no version is proven).
Result<Versioned<TransformRecord>> GetTransform(Client& client, const std::string& ref,
                                                const Digest& backbone);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_PROVEN_TRANSFORM_H_
