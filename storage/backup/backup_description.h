// What a backup holds, as the file beside it says: it was read from the backup itself when it was
// made.
#ifndef AUGSTORE_STORAGE_BACKUP_BACKUP_DESCRIPTION_H_
#define AUGSTORE_STORAGE_BACKUP_BACKUP_DESCRIPTION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/records/records.h"
#include "storage/store/store.h"

namespace augstore {

// One version of a backbone, a collection, a transform or a head.
struct BackupVersion {
  RecordKey key;
  Digest digest;  // of a collection's content, a backbone's program, the weights of the others
  uint64_t samples = 0;  // of a collection
  bool operator==(const BackupVersion&) const = default;
};

struct BackupDescription {
  uint32_t id = 0;  // 1, 2, …: its number in its folder
  std::string store_id;
  uint64_t sequence = 0;  // RocksDB's number of the last write that it has
  int64_t created_unix_s = 0;
  uint64_t bytes = 0;         // of all its files
  uint64_t copied_bytes = 0;  // of those that no earlier backup had
  Digest file_list;           // SHA-256 of RocksDB's list of its files and their checksums
  std::vector<BackupVersion> versions;  // by kind, name, version
  bool operator==(const BackupDescription&) const = default;

  uint64_t CountOf(RecordKind kind) const;
};

// Every version that `store` holds. Errors: those of Store::ListRecords, kDataLoss.
Result<std::vector<BackupVersion>> ListVersions(Store& store);

// The file's text: a line of JSON, and its SHA-256.
std::string EncodeDescription(const BackupDescription& description);
// Errors: kDataLoss (a byte is not as EncodeDescription wrote it), kFailedPrecondition (written by
// a newer augstore).
Result<BackupDescription> DecodeDescription(std::string_view text);
// The JSON alone, for people and programs; `with_versions` false: how many there are of each kind.
std::string DescriptionJson(const BackupDescription& description, bool with_versions);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_BACKUP_DESCRIPTION_H_
