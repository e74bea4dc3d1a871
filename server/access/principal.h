// Who sends a request, and what it may do.
#ifndef AUGSTORE_SERVER_ACCESS_PRINCIPAL_H_
#define AUGSTORE_SERVER_ACCESS_PRINCIPAL_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "schemas/records/keys.h"

namespace augstore {

// As long as a secret is valid. Whoever came in with it holds it, so that a revocation reaches
// running streams too. Thread-safe.
class KeyGrant {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  explicit KeyGrant(int64_t ends_unix_s) : ends_unix_s_(ends_unix_s) {}
  void EndAt(int64_t unix_s) { ends_unix_s_ = unix_s; }
  bool IsValidAt(int64_t unix_s) const { return unix_s < ends_unix_s_; }

 private:
  std::atomic<int64_t> ends_unix_s_;
};

struct Principal {
  std::string who;   // "key k3jd72na", "uid 1000", "anybody"
  std::string peer;  // where from: "tcp 10.0.0.5:40122", "in process"
  Role role = Role::kRead;
  std::string scope;                      // collections (schemas/records/keys.h); empty: all
  std::shared_ptr<const KeyGrant> grant;  // null: needs no key

  bool may_see(std::string_view collection) const { return IsInScope(scope, collection); }
};
using PrincipalPointer = std::shared_ptr<const Principal>;

// The user `uid` of this machine, to whom the store's files belong.
inline PrincipalPointer Owner(uint32_t uid, std::string peer) {
  return std::make_shared<Principal>(
      Principal{"uid " + std::to_string(uid), std::move(peer), Role::kAdmin, "", nullptr});
}

// Who has not said who it is: has no role.
inline Principal Nobody(std::string peer) {
  return {"nobody", std::move(peer), Role{}, "", nullptr};
}

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_PRINCIPAL_H_
