// The vocabulary types that every folder shares.
//
// One convention, said once: n embeddings of dimension d are an n x d matrix, float32, row-major
// and dense: element (i, j) is at data[i * cols + j].
#ifndef AUGSTORE_SCHEMAS_BASE_TYPES_H_
#define AUGSTORE_SCHEMAS_BASE_TYPES_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

// Number of an embedding row within its space: segment * kSegmentRows + offset. Not dense: a short
// segment leaves a gap.
using RowId = uint64_t;
inline constexpr RowId kNoRow = ~RowId{0};

// Number of a sample within its collection version: 0 .. samples - 1.
using SampleId = uint64_t;

// The first 16 bytes of the SHA-256 of an image file's bytes. Says "the same image".
struct ContentHash {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const ContentHash&) const = default;
  std::string Hex() const;
  // Parses 32 hexadecimal digits. Errors: kInvalidArgument.
  static Result<ContentHash> FromHex(std::string_view hex);
};

// SHA-256. Identifies a backbone file, the logical content of a collection, the weights of a
// transform.
struct Digest {
  std::array<uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  std::string Hex() const;
  // Parses 64 hexadecimal digits. Errors: kInvalidArgument.
  static Result<Digest> FromHex(std::string_view hex);
};

// Read-only view of a matrix. Does not own its memory, which must outlive the view.
struct ConstMatrixView {
  const float* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;
  std::span<const float> row(size_t i) const { return {data + i * cols, cols}; }
  ConstMatrixView Slice(size_t begin, size_t count) const {
    return {data + begin * cols, count, cols};
  }
};

// Writable view of a matrix.
struct MatrixView {
  float* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;
  std::span<float> row(size_t i) const { return {data + i * cols, cols}; }
  MatrixView Slice(size_t begin, size_t count) const { return {data + begin * cols, count, cols}; }
  operator ConstMatrixView() const { return {data, rows, cols}; }  // NOLINT: implicit on purpose
};

inline constexpr size_t kAlignment = 64;  // bytes: one cache line, one AVX-512 register

// Frees what AlignedAlloc returned.
struct AlignedFree {
  void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{kAlignment}); }
};

// `bytes` uninitialised bytes at a multiple of kAlignment.
template <typename T>
std::unique_ptr<T[], AlignedFree> AlignedAlloc(size_t count) {
  void* memory = ::operator new (count * sizeof(T) + kAlignment, std::align_val_t{kAlignment});
  return std::unique_ptr<T[], AlignedFree>(static_cast<T*>(memory));
}

// An owned matrix. Movable; its elements are uninitialised until written.
class Matrix {
 public:
  Matrix() = default;
  Matrix(size_t rows, size_t cols)
      : data_(AlignedAlloc<float>(rows * cols)), rows_(rows), cols_(cols) {}
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  MatrixView view() { return {data_.get(), rows_, cols_}; }
  ConstMatrixView view() const { return {data_.get(), rows_, cols_}; }
  std::span<float> row(size_t i) { return view().row(i); }
  std::span<const float> row(size_t i) const { return view().row(i); }

 private:
  std::unique_ptr<float[], AlignedFree> data_;
  size_t rows_ = 0;
  size_t cols_ = 0;
};

// Immutable bytes with shared ownership: a frame's body, a batch. Copies share the memory.
struct SharedBytes {
  std::shared_ptr<const void> owner;
  std::span<const uint8_t> bytes;
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // Takes over a string.
  static SharedBytes FromString(std::string value);
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_TYPES_H_
