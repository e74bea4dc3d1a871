// The end of a process that has no memory to go on.
#ifndef AUGSTORE_SCHEMAS_BASE_OUT_OF_MEMORY_H_
#define AUGSTORE_SCHEMAS_BASE_OUT_OF_MEMORY_H_

namespace augstore {

// Ends the process with a message and exit code 7 (a limit is reached). Needs no memory.
[[noreturn]] void EndForLackOfMemory();

// From now on a std::bad_alloc that nothing can catch ends the process in that way: some
// destructors of libraries allocate.
void EndCleanlyWithoutMemory();

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_OUT_OF_MEMORY_H_
