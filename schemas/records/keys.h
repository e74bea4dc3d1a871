// Keys: what a client presents to a server, and what the store keeps of it.
//
//   key    := "augs_" id "_" secret       id := 8, secret := 52 characters of a-z 2-7
//   scope  := [ pattern ( ' ' pattern )* ]      pattern := name | name "*"
//
// The secret is 256 random bits. The store keeps its SHA-256 alone: a slow hash, as passwords need,
// would protect nothing that cannot be guessed anyway, and would cost each connection its time.
// docs/security.md says what a key allows.
#ifndef AUGSTORE_SCHEMAS_RECORDS_KEYS_H_
#define AUGSTORE_SCHEMAS_RECORDS_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/records/records.h"

namespace augstore {

// What a caller may do; each role may do what those before it may. On disk and on the wire: never
// change a number.
enum class Role : uint8_t { kRead = 1, kWrite = 2, kAdmin = 3 };
std::string_view RoleName(Role role);  // "read", "write", "admin"
Result<Role> ParseRole(std::string_view text);

struct KeyRecord {
  static constexpr RecordKind kKind = RecordKind::kKey;
  Digest secret;  // SHA-256 of the secret's text
  Role role = Role::kRead;
  std::string scope;  // empty: every collection
  std::string note;   // for people
  int64_t created_unix_s = 0;
  int64_t expires_unix_s = 0;         // 0: never
  int64_t revoked_unix_s = 0;         // 0: it is not
  Digest previous;                    // the secret before the last rotation …
  int64_t previous_until_unix_s = 0;  // … and when it ends
  bool operator==(const KeyRecord&) const = default;
};

// What everybody who may list keys sees of one.
struct KeyInfo {
  std::string id;
  Role role = Role::kRead;
  std::string scope;
  std::string note;
  int64_t created_unix_s = 0;
  int64_t expires_unix_s = 0;         // 0: never
  int64_t revoked_unix_s = 0;         // 0: it is not
  int64_t previous_until_unix_s = 0;  // of the secret before the last rotation
  bool operator==(const KeyInfo&) const = default;
};

struct Key {
  std::string id;
  std::string secret;
  std::string Text() const { return "augs_" + id + "_" + secret; }
};

// A key that nobody knows. Errors: kUnavailable (the system gives no random bytes).
Result<Key> NewKey();
// Blanks and line ends around it are ignored. Errors: kInvalidArgument, which says nothing of the
// text: it may be a secret with a typing error.
Result<Key> ParseKey(std::string_view text);
Digest HashSecret(std::string_view secret);
// Takes as long whether they are equal or not.
bool AreEqual(const Digest& a, const Digest& b);

// Errors: kInvalidArgument, naming the pattern.
Status ValidateScope(std::string_view scope);
// Whether the collection `name` (without version) is in `scope`.
bool IsInScope(std::string_view scope, std::string_view name);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_KEYS_H_
