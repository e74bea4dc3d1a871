// Finds function bodies in C++ source, well enough to measure their length.
#ifndef AUGSTORE_TESTS_TIDY_FUNCTIONS_H_
#define AUGSTORE_TESTS_TIDY_FUNCTIONS_H_

#include <string>
#include <vector>

namespace augstore {

struct FunctionSpan {
  size_t first_line = 0;  // 1-based, of the opening brace
  size_t lines = 0;       // opening to closing brace, both included
};
std::vector<FunctionSpan> FindFunctions(const std::string& source);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_TIDY_FUNCTIONS_H_
