// The flags that say which stream a command reads.
#ifndef AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_
#define AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_

#include <optional>

#include "schemas/wire/stream.h"

namespace CLI {
class App;
}

namespace augstore {

// Adds --collection, --split, --policy, --label-column, --stream-seed, --batch-size,
// --shuffle-window, --dtype and --precision.
void AddStreamFlags(CLI::App* command, StreamSpec* spec);

// Adds --dtype, the dtype in which a collection's embeddings are stored.
void AddStoredDtypeFlag(CLI::App* command, std::optional<Dtype>* dtype);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_
