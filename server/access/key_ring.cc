#include "server/access/key_ring.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr uint64_t kMostGraceSeconds = 30 * 24 * 3600;

int64_t Now() { return std::time(nullptr); }

// When a key lets nobody in any more.
int64_t EndOf(const KeyRecord& record) {
  const int64_t expires = record.expires_unix_s == 0 ? KeyGrant::kNever : record.expires_unix_s;
  return record.revoked_unix_s == 0 ? expires : std::min(expires, record.revoked_unix_s);
}

Status NoSuchKey(const std::string& id) {
  return NotFound("key '{}' does not exist: `augstore key ls` lists those that do",
                  id.substr(0, 8));  // of an id; more may be a whole key
}

}  // namespace

KeyInfo KeyRing::Entry::Info(const std::string& id) const {
  return {id,
          record.role,
          record.scope,
          record.note,
          record.created_unix_s,
          record.expires_unix_s,
          record.revoked_unix_s,
          record.previous_until_unix_s};
}

void KeyRing::Entry::SetGrants() {
  const int64_t end = EndOf(record);
  grant->EndAt(end);
  if (previous != nullptr) previous->EndAt(std::min(end, record.previous_until_unix_s));
}

KeyRing::KeyRing(Store* store) : store_(store) {
  const MutexLock lock(mutex_);
  loaded_ = Load();
}

Status KeyRing::Load() {
  AUGSTORE_ASSIGN(const auto records, store_->ListRecords(RecordKind::kKey, ""));
  for (const RecordEntry& stored : records) {
    Result<KeyRecord> record = Decode<KeyRecord>(stored.bytes);
    if (!record.ok()) {
      damaged_ = record.status().WithContext(fmt::format("key '{}'", stored.key.name));
      continue;
    }
    Entry entry{*std::move(record), std::make_shared<KeyGrant>(0), nullptr};
    if (entry.record.previous_until_unix_s != 0) entry.previous = std::make_shared<KeyGrant>(0);
    entry.SetGrants();
    keys_.emplace(stored.key.name, std::move(entry));
  }
  return OkStatus();
}

Status KeyRing::CheckLoaded() const {
  const MutexLock lock(mutex_);
  return loaded_.WithContext("the keys of the store cannot be read");
}

Result<KeyRing::Entry> KeyRing::Find(const std::string& id) const {
  const MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return NoSuchKey(id);
  return found->second;
}

Result<KeyRing::Admitted> KeyRing::Authenticate(std::string_view key) const {
  AUGSTORE_TRY(CheckLoaded());
  const Status refused = Unauthenticated("the key is not one of this store's");
  const Result<Key> parsed = ParseKey(key);
  if (!parsed.ok()) return refused;
  // An id that is not known takes as long as one that is.
  const Result<Entry> found = Find(parsed->id);
  const Entry entry = found.ok() ? *found : Entry();
  const Digest secret = HashSecret(parsed->secret);
  const bool is_current = AreEqual(secret, entry.record.secret);
  const bool is_previous = AreEqual(secret, entry.record.previous) && entry.previous != nullptr;
  if (!found.ok() || (!is_current && !is_previous)) return refused;
  const std::shared_ptr<KeyGrant> grant = is_current ? entry.grant : entry.previous;
  if (!grant->IsValidAt(Now())) {
    const std::string_view why = entry.record.revoked_unix_s != 0 ? "was revoked"
                                 : is_current                     ? "has expired"
                                                                  : "was replaced by a new secret";
    return Unauthenticated("key '{}' {}: ask for another one", parsed->id, why);
  }
  return Admitted{entry.Info(parsed->id), grant};
}

Result<std::vector<KeyInfo>> KeyRing::List() const {
  AUGSTORE_TRY(CheckLoaded());
  const MutexLock lock(mutex_);
  AUGSTORE_TRY(damaged_);
  std::vector<KeyInfo> keys;
  keys.reserve(keys_.size());
  for (const auto& [id, entry] : keys_) keys.push_back(entry.Info(id));
  std::ranges::stable_sort(keys, {}, &KeyInfo::created_unix_s);
  return keys;
}

Status KeyRing::MakeRoom() {
  std::string first;
  {
    const MutexLock lock(mutex_);
    if (keys_.size() < kMaxKeys) return OkStatus();
    int64_t ended = Now();
    for (const auto& [id, entry] : keys_) {
      if (EndOf(entry.record) >= ended) continue;
      ended = EndOf(entry.record);
      first = id;
    }
  }
  if (first.empty()) {
    return ResourceExhausted("the store has {} keys, the limit: revoke some first", kMaxKeys);
  }
  AUGSTORE_TRY(store_->DeleteRecord({RecordKind::kKey, first, 1}));
  const MutexLock lock(mutex_);
  keys_.erase(first);
  return OkStatus();
}

Status KeyRing::Put(const std::string& id, Entry entry) {
  AUGSTORE_TRY(store_->PutRecord(RecordKind::kKey, id, Encode(entry.record)));
  const MutexLock lock(mutex_);
  entry.SetGrants();
  keys_[id] = std::move(entry);
  return OkStatus();
}

Result<KeyReply> KeyRing::Create(const CreateKeyRequest& asked) {
  AUGSTORE_TRY(CheckLoaded());
  AUGSTORE_TRY(ValidateScope(asked.scope));
  if (asked.role == Role::kAdmin && !asked.scope.empty()) {
    return InvalidArgument(
        "a key of role admin with the scope '{}': an admin may make keys without scope, so give it "
        "none, or another role",
        asked.scope);
  }
  if (asked.expires_unix_s != 0 && asked.expires_unix_s <= Now()) {
    return InvalidArgument("the key would have expired {} s ago: give a time to come, or none",
                           Now() - asked.expires_unix_s);
  }
  const MutexLock lock(writes_);
  AUGSTORE_TRY(MakeRoom());
  AUGSTORE_ASSIGN(Key key, NewKey());
  while (Find(key.id).ok()) {
    AUGSTORE_ASSIGN(key, NewKey());
  }
  Entry entry{{}, std::make_shared<KeyGrant>(0), nullptr};
  entry.record = {.secret = HashSecret(key.secret),
                  .role = asked.role,
                  .scope = asked.scope,
                  .note = asked.note,
                  .created_unix_s = Now(),
                  .expires_unix_s = asked.expires_unix_s,
                  .revoked_unix_s = 0,
                  .previous = {},
                  .previous_until_unix_s = 0};
  const KeyInfo info = entry.Info(key.id);
  AUGSTORE_TRY(Put(key.id, std::move(entry)));
  return KeyReply{info, key.Text()};
}

Status KeyRing::Revoke(const std::string& id) {
  AUGSTORE_TRY(CheckLoaded());
  const MutexLock lock(writes_);
  AUGSTORE_ASSIGN(Entry entry, Find(id));
  if (entry.record.revoked_unix_s != 0) return OkStatus();
  entry.record.revoked_unix_s = Now();
  return Put(id, std::move(entry));
}

Result<KeyReply> KeyRing::Rotate(const std::string& id, uint64_t grace_s) {
  AUGSTORE_TRY(CheckLoaded());
  if (grace_s > kMostGraceSeconds) {
    return InvalidArgument("a grace of {} s: the old secret may stay valid for {} s at most",
                           grace_s, kMostGraceSeconds);
  }
  const MutexLock lock(writes_);
  AUGSTORE_ASSIGN(Entry entry, Find(id));
  if (EndOf(entry.record) <= Now()) {
    return FailedPrecondition("key '{}' has expired or was revoked: create another one", id);
  }
  AUGSTORE_ASSIGN(Key key, NewKey());
  key.id = id;
  const std::shared_ptr<KeyGrant> oldest = entry.previous;
  entry.record.previous = entry.record.secret;
  entry.record.previous_until_unix_s = Now() + static_cast<int64_t>(grace_s);
  entry.record.secret = HashSecret(key.secret);
  entry.previous = std::exchange(entry.grant, std::make_shared<KeyGrant>(0));
  const KeyInfo info = entry.Info(id);
  AUGSTORE_TRY(Put(id, std::move(entry)));
  if (oldest != nullptr) oldest->EndAt(0);
  return KeyReply{info, key.Text()};
}

}  // namespace augstore
