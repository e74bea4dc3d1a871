// Running an erasure, or its preview, which the commands `sample erase` and `lineage sample` share.
#ifndef AUGSTORE_TOOLS_SERVE_SAMPLE_ERASURE_H_
#define AUGSTORE_TOOLS_SERVE_SAMPLE_ERASURE_H_

#include <nlohmann/json.hpp>
#include <string>

#include "tools/cli/command.h"

namespace augstore {

struct SampleFlags {
  CommonFlags common;
  ErasureTarget target;
};

// How the commands name a sample.
void AddSampleFlags(Command* command, SampleFlags* flags);
// Runs to the end, with progress. Errors: kInvalidArgument (a collection without a key, a key and
// an image, neither), those of the database.
Result<ErasureStep> RunErasure(Client& client, const SampleFlags& flags);
// What was found, a line for each version, alias, head and kind of embedding; and the same in JSON.
std::string ErasureText(const ErasureStep& step);
Json ErasureJson(const ErasureStep& step);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SERVE_SAMPLE_ERASURE_H_
