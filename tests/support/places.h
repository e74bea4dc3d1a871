// Where the tests' files are. Only places.cc knows these paths at compile time, so that a compiler
// cache serves every other source to checkouts in other folders.
#ifndef AUGSTORE_TESTS_SUPPORT_PLACES_H_
#define AUGSTORE_TESTS_SUPPORT_PLACES_H_

#include <string>
#include <string_view>

namespace augstore {

// The full path of a file or folder of the repository: SourcePath("client/README.md").
std::string SourcePath(std::string_view path);

// The full path of the program `augstore` of this build. Depend on its target before you start it.
std::string ProgramPath();

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_PLACES_H_
