// Finds functions in C++ source, well enough to measure how long they are and to tell which file
// defines them.
#ifndef AUGSTORE_TESTS_TIDY_FUNCTIONS_H_
#define AUGSTORE_TESTS_TIDY_FUNCTIONS_H_

#include <set>
#include <string>
#include <vector>

namespace augstore {

struct FunctionSpan {
  size_t first_line = 0;  // 1-based, of the opening brace
  size_t lines = 0;       // opening to closing brace, both included
};
std::vector<FunctionSpan> FindFunctions(const std::string& source);

// The functions of namespaces and classes by their names, "Load" or "Backbone::Load", without
// parameters: overloads are one.
struct FunctionNames {
  std::set<std::string> declared;  // without a body
  std::set<std::string> defined;   // with a body, and seen by other files
};
FunctionNames FindFunctionNames(const std::string& source);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_TIDY_FUNCTIONS_H_
