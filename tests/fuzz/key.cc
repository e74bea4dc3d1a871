#include "schemas/records/keys.h"

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {

// The input is a key as a client or a file has it, a role, and a scope.
void Fuzz_key(Bytes input) {
  const std::string text(Text(input));  // its end is where the sanitizer sees it
  const Result<Key> key = ParseKey(text);
  if (key.ok()) {
    const Result<Key> again = ParseKey(key->Text());
    AUGSTORE_CHECK(again.ok() && again->Text() == key->Text());
    AUGSTORE_CHECK(AreEqual(HashSecret(key->secret), HashSecret(again->secret)));
  } else {
    // A secret with a typing error is nearly a secret: the message is the same whatever was given.
    AUGSTORE_CHECK(key.status().message() == ParseKey("").status().message());
  }
  const Result<Role> role = ParseRole(text);
  AUGSTORE_CHECK(!role.ok() || RoleName(*role) == text);
  if (!ValidateScope(text).ok()) return;
  AUGSTORE_CHECK(!text.empty() || IsInScope(text, "photos"));
  AUGSTORE_CHECK(!IsInScope(text, "") || text.empty());
}

}  // namespace augstore::fuzz
