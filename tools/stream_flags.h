// The flags that say which stream a command reads.
#ifndef AUGSTORE_TOOLS_STREAM_FLAGS_H_
#define AUGSTORE_TOOLS_STREAM_FLAGS_H_

#include "schemas/messages.h"

namespace CLI {
class App;
}

namespace augstore {

// Adds --collection, --split, --policy, --label-column, --stream-seed, --batch-size and
// --shuffle-window.
void AddStreamFlags(CLI::App* command, StreamSpec* spec);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_STREAM_FLAGS_H_
