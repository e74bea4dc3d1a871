#include "tools/collection/row_keys.h"

#include <gtest/gtest.h>

#include "schemas/base/digest.h"

namespace augstore {
namespace {

ContentHash HashOf(const std::vector<float>& row) {
  return HashContent({reinterpret_cast<const uint8_t*>(row.data()), row.size() * sizeof(float)});
}

TEST(RowKeys, AreHashesAndCountEqualRows) {
  const ContentHash one = HashOf({1.0f, 2.0f});
  const ContentHash two = HashOf({2.0f, 1.0f});
  const std::vector<std::string> keys = RowKeys(std::vector<ContentHash>{one, two, one, one});
  EXPECT_EQ(keys,
            (std::vector<std::string>{one.Hex(), two.Hex(), one.Hex() + "-2", one.Hex() + "-3"}));
  // As hashlib.sha256(numpy.array([1, 2], "<f4")).hexdigest()[:32] says in Python.
  EXPECT_EQ(keys[0], "b9c80b5adeca450753a16950c3cc655d");
}

}  // namespace
}  // namespace augstore
