// Images, embeddings and digests for tests: every number follows from the arguments.
#ifndef AUGSTORE_TESTS_SUPPORT_EMBEDDINGS_H_
#define AUGSTORE_TESTS_SUPPORT_EMBEDDINGS_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "storage/store/store.h"

namespace augstore {

inline Digest TestDigest(uint8_t seed) {
  Digest digest;
  digest.bytes.fill(seed);
  return digest;
}

inline ContentHash TestImage(uint64_t number) {
  ContentHash hash;
  number = (number + 1) * 0x9e3779b97f4a7c15u;  // scattered, as real hashes are
  std::memcpy(hash.bytes.data(), &number, sizeof number);
  return hash;
}

inline std::vector<ContentHash> TestImages(uint64_t first, size_t count) {
  std::vector<ContentHash> images;
  for (size_t i = 0; i < count; ++i) images.push_back(TestImage(first + i));
  return images;
}

inline Matrix TestEmbeddings(size_t rows, size_t dim, uint64_t seed) {
  Matrix matrix(rows, dim);
  uint64_t state = seed * 2654435761u + 12345;
  for (size_t i = 0; i < rows * dim; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    matrix.data()[i] = static_cast<float>(static_cast<int32_t>(state >> 32)) / 1e9f;
  }
  return matrix;
}

inline std::vector<RowId> AppendOk(Store* store, SpaceId space,
                                   const std::vector<ContentHash>& images,
                                   const Matrix& embeddings) {
  std::vector<RowId> rows(images.size());
  const Status status = store->AppendRows(space, images, embeddings.view(), rows);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return rows;
}

inline void ExpectSameRow(const Matrix& actual, size_t i, const Matrix& expected, size_t j) {
  const auto a = actual.row(i);
  const auto b = expected.row(j);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0) << "row " << i;
}

// Runs Verify of a Store or a Catalog to its end.
template <typename Verifier>
std::vector<std::string> VerifyAll(Verifier* verifier, uint64_t* checked = nullptr) {
  std::vector<std::string> problems;
  std::string cursor;
  for (int steps = 0; steps < 10000; ++steps) {
    auto step = verifier->Verify(cursor);
    EXPECT_TRUE(step.ok()) << step.status().ToString();
    if (!step.ok()) return problems;
    problems.insert(problems.end(), step->problems.begin(), step->problems.end());
    if (checked != nullptr) *checked += step->checked;
    cursor = step->cursor;
    if (cursor.empty()) return problems;
  }
  ADD_FAILURE() << "Verify does not end";
  return problems;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_EMBEDDINGS_H_
