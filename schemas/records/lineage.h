// Which records a head was made of.
#ifndef AUGSTORE_SCHEMAS_RECORDS_LINEAGE_H_
#define AUGSTORE_SCHEMAS_RECORDS_LINEAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "schemas/records/records.h"

namespace augstore {

// The transforms of a policy whose versions are pinned, "hflip@3", each once; none when the text is
// no policy.
std::vector<std::string> TransformsOf(const std::string& policy);

// What a head with this lineage has of the record `ref`, such as "was trained on digits@2"; empty:
// it does not name it. `ref` has a version.
std::string UseOf(const HeadLineage& lineage, RecordKind kind, std::string_view ref);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_LINEAGE_H_
