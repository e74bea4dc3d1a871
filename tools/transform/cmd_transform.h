// What the `transform` subcommands share.
#ifndef AUGSTORE_TOOLS_TRANSFORM_CMD_TRANSFORM_H_
#define AUGSTORE_TOOLS_TRANSFORM_CMD_TRANSFORM_H_

#include <string>
#include <string_view>
#include <vector>

#include "schemas/records/records.h"
#include "tools/cli/command.h"

namespace augstore {

// The name a transform gets when none was given: the op without its parentheses, "rotate(15)" ->
// "rotate15", where that is a plain name; else the op's text ("translate(2,-1)"), which is a name
// as well.
std::string DefaultTransformName(std::string_view op);

// Everything about a version, but for its weights.
Json TransformJson(const Versioned<TransformRecord>& transform,
                   const std::vector<std::string>& aliases);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_CMD_TRANSFORM_H_
