#include "schemas/records/keys.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"

namespace augstore {
namespace {

constexpr std::string_view kPrefix = "augs_";
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr size_t kIdBytes = 5;
constexpr size_t kIdCharacters = 8;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretCharacters = 52;

constexpr std::array<std::pair<Role, std::string_view>, 3> kRoles = {
    {{Role::kRead, "read"}, {Role::kWrite, "write"}, {Role::kAdmin, "admin"}}};

// Base 32, five bits a character; the last one is filled up with zeros.
std::string ToText(std::span<const uint8_t> bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) text += kAlphabet[bits >> (count - 5) & 31];
  }
  if (count > 0) text += kAlphabet[bits << (5 - count) & 31];
  return text;
}

bool IsText(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kAlphabet.find(c) != kAlphabet.npos; });
}

// Calls `visit` with each pattern until it returns true; whether it did.
template <typename Visit>
bool AnyPattern(std::string_view scope, const Visit& visit) {
  while (!scope.empty()) {
    const size_t blank = std::min(scope.find(' '), scope.size());
    if (visit(scope.substr(0, blank))) return true;
    scope.remove_prefix(std::min(blank + 1, scope.size()));
  }
  return false;
}

}  // namespace

std::string_view RoleName(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (known == role) return name;
  }
  return "unknown";
}

Result<Role> ParseRole(std::string_view text) {
  for (const auto& [role, name] : kRoles) {
    if (name == text) return role;
  }
  return InvalidArgument("'{}' is no role: choose read, write or admin", text);
}

Result<Key> NewKey() {
  std::array<uint8_t, kIdBytes + kSecretBytes> bytes;
  // So few bytes come at once, or not at all.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    if (errno == EINTR) continue;
    return Unavailable("the system gives no random bytes: {}",
                       std::system_category().message(errno));
  }
  const std::span<const uint8_t> all(bytes);
  return Key{ToText(all.first(kIdBytes)), ToText(all.subspan(kIdBytes))};
}

Result<Key> ParseKey(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n";
  const size_t begin = std::min(text.find_first_not_of(kAround), text.size());
  text = text.substr(begin, text.find_last_not_of(kAround) - begin + 1);
  const size_t id = kPrefix.size();
  const size_t secret = id + kIdCharacters + 1;
  if (text.size() == secret + kSecretCharacters && text.starts_with(kPrefix) &&
      text[secret - 1] == '_' && IsText(text.substr(id, kIdCharacters)) &&
      IsText(text.substr(secret))) {
    return Key{std::string(text.substr(id, kIdCharacters)), std::string(text.substr(secret))};
  }
  return InvalidArgument(
      "what was given as key is none: a key is augs_<id>_<secret>, of {} characters, as `augstore "
      "key create` prints it",
      secret + kSecretCharacters);
}

Digest HashSecret(std::string_view secret) {
  return Sha256({reinterpret_cast<const uint8_t*>(secret.data()), secret.size()});
}

bool AreEqual(const Digest& a, const Digest& b) {
  return ::CRYPTO_memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

Status ValidateScope(std::string_view scope) {
  if (scope.size() > kMaxKeyBytes) {
    return InvalidArgument("a scope of {} bytes: give at most {}", scope.size(), kMaxKeyBytes);
  }
  Status status;
  AnyPattern(scope, [&](std::string_view pattern) {
    const std::string_view name =
        pattern.ends_with('*') ? pattern.substr(0, pattern.size() - 1) : pattern;
    const Status valid = ValidateName(name);
    if (!valid.ok()) {
      status = InvalidArgument("'{}' is no scope: give a collection's name, or its beginning and *",
                               pattern);
    }
    return !valid.ok();
  });
  return status;
}

bool IsInScope(std::string_view scope, std::string_view name) {
  if (scope.empty()) return true;
  return AnyPattern(scope, [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return pattern == name;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

}  // namespace augstore
