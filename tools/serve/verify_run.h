// The check of everything in a store, step by step.
#ifndef AUGSTORE_TOOLS_SERVE_VERIFY_RUN_H_
#define AUGSTORE_TOOLS_SERVE_VERIFY_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"

namespace augstore {

struct VerifyFindings {
  uint64_t checked = 0;               // items
  std::vector<std::string> problems;  // each names the item and what is wrong
};

// Fills `findings`, also with what was found before an error. Errors: those of VerifyRequest;
// interrupted.
Status VerifyEverything(Client& client, bool progress, VerifyFindings* findings);

// Messages about damage end in the advice to run what has been run here.
std::string WithoutVerifyAdvice(std::string text);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SERVE_VERIFY_RUN_H_
