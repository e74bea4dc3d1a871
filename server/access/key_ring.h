// Internal to the server folder: the keys of a store, held in memory and written through.
#ifndef AUGSTORE_SERVER_ACCESS_KEY_RING_H_
#define AUGSTORE_SERVER_ACCESS_KEY_RING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/wire/messages.h"
#include "server/access/principal.h"
#include "storage/store/store.h"

namespace augstore {

// Thread-safe. Checking a key waits for no write of another. A change acts at once, and is durable
// when its call returns.
class KeyRing {
 public:
  // Reads the keys of `store`, which must outlive the ring.
  explicit KeyRing(Store* store);

  struct Admitted {
    KeyInfo key;
    std::shared_ptr<const KeyGrant> grant;
  };
  // Errors: kUnauthenticated, which says no more than it must: only whoever has the secret is told
  // that it has expired or was revoked. kUnavailable, kDataLoss: the keys could not be read.
  Result<Admitted> Authenticate(std::string_view key) const;

  // By time of creation. Errors: kDataLoss (a key's record is damaged: it lets nobody in).
  Result<std::vector<KeyInfo>> List() const;
  // Errors: kInvalidArgument (scope, expiry, an admin with a scope), kResourceExhausted.
  Result<KeyReply> Create(const CreateKeyRequest& asked);
  // Errors: kNotFound.
  Status Revoke(const std::string& id);
  // Errors: kNotFound, kFailedPrecondition (it has ended).
  Result<KeyReply> Rotate(const std::string& id, uint64_t grace_s);

 private:
  struct Entry {
    KeyRecord record;
    std::shared_ptr<KeyGrant> grant;
    std::shared_ptr<KeyGrant> previous;  // null: none
    KeyInfo Info(const std::string& id) const;
    void SetGrants();
  };
  Status Load() AUGSTORE_REQUIRES(mutex_);
  Status CheckLoaded() const;
  Result<Entry> Find(const std::string& id) const;
  // Removes the key that ended first when there are too many. Errors: kResourceExhausted.
  Status MakeRoom() AUGSTORE_REQUIRES(writes_);
  // Stores the record and makes it known.
  Status Put(const std::string& id, Entry entry) AUGSTORE_REQUIRES(writes_);

  Store* const store_;
  Mutex writes_;  // one change at a time; taken before mutex_
  mutable Mutex mutex_;
  std::map<std::string, Entry> keys_ AUGSTORE_GUARDED_BY(mutex_);
  Status loaded_ AUGSTORE_GUARDED_BY(mutex_);   // why there are none
  Status damaged_ AUGSTORE_GUARDED_BY(mutex_);  // of one that was left out
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_KEY_RING_H_
