// Keys of rows that come without names.
#ifndef AUGSTORE_TOOLS_COLLECTION_ROW_KEYS_H_
#define AUGSTORE_TOOLS_COLLECTION_ROW_KEYS_H_

#include <span>
#include <string>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

// The key of each row, from its hash: 32 hexadecimal digits, then "-2", "-3", ... for the second
// and the following rows of that hash. The Python client makes the same.
std::vector<std::string> RowKeys(std::span<const ContentHash> rows);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_ROW_KEYS_H_
