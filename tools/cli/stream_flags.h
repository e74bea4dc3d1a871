// The flags that say which stream a command reads.
#ifndef AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_
#define AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_

#include <optional>
#include <string>

#include "schemas/records/records.h"
#include "schemas/wire/stream.h"

namespace augstore {

class Command;

// What --split says; none: it was not given.
using SplitFlag = std::optional<std::string>;

// Adds --collection, --split, --policy, --label-column, --stream-seed, --batch-size,
// --shuffle-window, --dtype and --precision.
void AddStreamFlags(Command* command, StreamSpec* spec, SplitFlag* split);

// The split that a stream reads: the given one, else "train" where the collection has it, else ''
// (all samples).
std::string SplitOrDefault(const SplitFlag& split, const CollectionRecord& collection);

// Adds --dtype, the dtype in which a collection's embeddings are stored.
void AddStoredDtypeFlag(Command* command, std::optional<Dtype>* dtype);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_STREAM_FLAGS_H_
