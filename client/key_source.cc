#include "client/key_source.h"

#include <cstdlib>

#include "schemas/base/files.h"
#include "schemas/records/keys.h"

namespace augstore {
namespace {

constexpr size_t kMaxKeyFileBytes = 4096;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> Checked(const std::string& text, const std::string& where) {
  const Result<Key> key = ParseKey(text);
  if (!key.ok()) return key.status().WithContext(where);
  return key->Text();
}

}  // namespace

Result<std::string> FindKey(const Address& address, const std::string& file) {
  // A key must not cross a network that others can read.
  if (address.kind == Address::Kind::kTcp && !address.IsLoopback()) {
    if (file.empty()) return std::string();
    return InvalidArgument("a key is not sent to {}, which is not encrypted: write tls://",
                           address.ToString());
  }
  const bool is_tcp = address.kind != Address::Kind::kUnix;
  const std::string path = file.empty() && is_tcp ? Variable("AUGSTORE_KEY_FILE") : file;
  if (!path.empty()) {
    AUGSTORE_ASSIGN(const std::string text, ReadFile(path, kMaxKeyFileBytes));
    return Checked(text, "key file '" + path + "'");
  }
  const std::string text = is_tcp ? Variable("AUGSTORE_KEY") : "";
  if (text.empty()) return text;
  return Checked(text, "AUGSTORE_KEY");
}

}  // namespace augstore
