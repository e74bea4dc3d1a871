// Status and Result<T>: how every function of augstore reports failure. Exceptions never cross a
// folder.
//
// Thread safety: values; distinct objects may be used from different threads.
#ifndef AUGSTORE_SCHEMAS_BASE_STATUS_H_
#define AUGSTORE_SCHEMAS_BASE_STATUS_H_

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace augstore {

// What went wrong, by what the caller should do about it. The numbers go over the wire: never
// change one.
enum class Code : uint8_t {
  kOk = 0,
  kInvalidArgument = 1,     // the request can never succeed: fix it
  kNotFound = 2,            // the named thing does not exist: fix the name, or create it first
  kAlreadyExists = 3,       // the named thing exists: choose another name, or use what is there
  kFailedPrecondition = 4,  // do not retry until the named state has changed
  kUnauthenticated = 5,     // present a valid key
  kPermissionDenied = 6,    // the key does not allow this: ask the operator
  kResourceExhausted = 7,   // a limit is reached: ask for less, or back off and retry
  kUnavailable = 8,         // retry the same request
  kDeadlineExceeded = 9,    // retry with a longer deadline; the request may have taken effect
  kDataLoss = 10,           // stored or received bytes are damaged: stop, run `augstore verify`
  kInternal = 11,           // a bug of ours: report it
};

// The code's name as messages print it, for example "NotFound".
std::string_view CodeName(Code code);

// A code and, unless it is kOk, a message that names the thing, the value and the remedy.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "NotFound: collection 'x' does not exist", or "Ok".
  std::string ToString() const;
  // The same code with `context: ` before the message; ok stays ok.
  Status WithContext(std::string_view context) const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }

#define AUGSTORE_DEFINE_ERROR(Name)                                           \
  template <typename... Args>                                                 \
  Status Name(fmt::format_string<Args...> format, Args&&... args) {           \
    return {Code::k##Name, fmt::format(format, std::forward<Args>(args)...)}; \
  }
AUGSTORE_DEFINE_ERROR(InvalidArgument)
AUGSTORE_DEFINE_ERROR(NotFound)
AUGSTORE_DEFINE_ERROR(AlreadyExists)
AUGSTORE_DEFINE_ERROR(FailedPrecondition)
AUGSTORE_DEFINE_ERROR(Unauthenticated)
AUGSTORE_DEFINE_ERROR(PermissionDenied)
AUGSTORE_DEFINE_ERROR(ResourceExhausted)
AUGSTORE_DEFINE_ERROR(Unavailable)
AUGSTORE_DEFINE_ERROR(DeadlineExceeded)
AUGSTORE_DEFINE_ERROR(DataLoss)
AUGSTORE_DEFINE_ERROR(Internal)
#undef AUGSTORE_DEFINE_ERROR

// A bug of ours: prints the place and the condition, and aborts. Never for input.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
#define AUGSTORE_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::augstore::CheckFailed(__FILE__, __LINE__, #condition))

// Either a value or the Status (never ok) that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
    AUGSTORE_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // REQUIRES: ok().
  T& value() & {
    AUGSTORE_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    AUGSTORE_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    AUGSTORE_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace augstore

// Returns from the enclosing function when `expr` (a Status or a Result) is not ok.
#define AUGSTORE_TRY(expr)                                                       \
  do {                                                                           \
    auto&& augstore_try = (expr);                                                \
    if (!augstore_try.ok()) return ::augstore::internal::ToStatus(augstore_try); \
  } while (false)

#define AUGSTORE_CONCAT_(a, b) a##b
#define AUGSTORE_CONCAT(a, b) AUGSTORE_CONCAT_(a, b)
// AUGSTORE_ASSIGN(auto x, F()): x gets F's value, or the enclosing function returns F's Status.
#define AUGSTORE_ASSIGN(declaration, expr)                       \
  auto AUGSTORE_CONCAT(augstore_result_, __LINE__) = (expr);     \
  if (!AUGSTORE_CONCAT(augstore_result_, __LINE__).ok())         \
    return AUGSTORE_CONCAT(augstore_result_, __LINE__).status(); \
  declaration = std::move(AUGSTORE_CONCAT(augstore_result_, __LINE__)).value()

namespace augstore::internal {
inline Status ToStatus(const Status& status) { return status; }
template <typename T>
Status ToStatus(const Result<T>& result) {
  return result.status();
}
}  // namespace augstore::internal

#endif  // AUGSTORE_SCHEMAS_BASE_STATUS_H_
