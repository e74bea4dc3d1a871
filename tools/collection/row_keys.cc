#include "tools/collection/row_keys.h"

#include <map>

namespace augstore {

std::vector<std::string> RowKeys(std::span<const ContentHash> rows) {
  std::map<ContentHash, size_t> seen;
  std::vector<std::string> keys;
  keys.reserve(rows.size());
  for (const ContentHash& row : rows) {
    const size_t times = ++seen[row];
    keys.push_back(times == 1 ? row.Hex() : row.Hex() + "-" + std::to_string(times));
  }
  return keys;
}

}  // namespace augstore
