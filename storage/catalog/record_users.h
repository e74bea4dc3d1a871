// Which records name another one, so that it cannot be deleted without a word. Internal to
// storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_RECORD_USERS_H_
#define AUGSTORE_STORAGE_CATALOG_RECORD_USERS_H_

#include <map>
#include <vector>

#include "schemas/records/deletion.h"
#include "storage/store/store.h"

namespace augstore {

// Aliases, and the heads with what they were trained on. Records that are damaged name nothing.
class RecordUsers {
 public:
  static Result<RecordUsers> Load(Store* store);
  // Aliases that point to `key`, and heads whose lineage names it, with the reason.
  std::vector<DeletedRecord> Of(const RecordKey& key) const;

 private:
  struct Head {
    RecordKey key;
    HeadLineage lineage;
  };

  std::vector<Head> heads_;
  std::map<RecordKey, AliasHistory> aliases_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_RECORD_USERS_H_
