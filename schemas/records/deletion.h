// What deleting a record takes.
#ifndef AUGSTORE_SCHEMAS_RECORDS_DELETION_H_
#define AUGSTORE_SCHEMAS_RECORDS_DELETION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/records/records.h"

namespace augstore {

struct DeletedRecord {
  RecordKind kind = RecordKind::kCollection;
  std::string name;
  uint32_t version = 0;
  std::string alias;   // not empty: this alias of the version goes, not the version
  std::string reason;  // why it goes: "was trained on digits@2"; empty: it was asked for
  bool operator==(const DeletedRecord&) const = default;
};

struct Deletion {
  std::vector<DeletedRecord> records;  // in the order in which they go: whoever names one first
  bool applied = false;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_DELETION_H_
