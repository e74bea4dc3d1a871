#include "schemas/base/out_of_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

namespace augstore {
namespace {

void OnTerminate() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    EndForLackOfMemory();
  } catch (...) {
    std::abort();
  }
  std::abort();
}

}  // namespace

void EndForLackOfMemory() {
  constexpr int kExitLimit = 7;
  constexpr std::string_view kMessage =
      "augstore: memory ran out where the process cannot go on without it, so it ends: everything "
      "that was acknowledged is stored; give it more, or a smaller --memory, and start it again\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  std::_Exit(kExitLimit);
}

void EndCleanlyWithoutMemory() { std::set_terminate(OnTerminate); }

}  // namespace augstore
