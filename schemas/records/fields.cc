#include "schemas/records/fields.h"

#include <algorithm>

namespace augstore::codec {

void TableWriter::Put(const Matrix& matrix) {
  Put(static_cast<uint32_t>(matrix.cols()));
  const size_t count = matrix.rows() * matrix.cols();
  float* data = nullptr;
  const auto values = b_.PutAlignedFloats(count, &data);
  std::copy_n(matrix.data(), count, data);
  SetOffset(Next<const VectorOf<float>*>(), values);
}

flatbuffers::uoffset_t TableWriter::Finish() {
  CheckComplete();
  const flatbuffers::uoffset_t start = b_.StartTable();
  // The order of flatc's Create… functions: the largest first, so that nothing is padded, and of
  // one size the last first. Another order would be other bytes.
  for (const size_t bytes : {8, 4, 2, 1}) {
    for (size_t i = size(); i-- > 0;) {
      if (slots_[i].bytes != bytes) continue;
      const uint16_t at = Place(i);
      const uint64_t bits = slots_[i].bits;
      if (slots_[i].is_offset) {
        b_.AddOffset(at, Offset<void>(static_cast<flatbuffers::uoffset_t>(bits)));
      } else if (bytes == 8) {
        b_.AddElement(at, bits);
      } else if (bytes == 4) {
        b_.AddElement(at, static_cast<uint32_t>(bits));
      } else if (bytes == 2) {
        b_.AddElement(at, static_cast<uint16_t>(bits));
      } else {
        b_.AddElement(at, static_cast<uint8_t>(bits));
      }
    }
  }
  return b_.EndTable(start);
}

void TableReader::Get(const FormatField&) {
  uint32_t format = 0;
  Get(format);
  if (format > kRecordFormat) {
    in_.FailNewer(format, kRecordFormat);
  } else if (format == 0) {
    in_.Fail("format", "is missing");
  }
}

void TableReader::Get(Matrix& matrix) {
  uint32_t dim = 0;
  Get(AtMost(dim, kMaxDim));
  const auto [name, values] = Child<VectorOf<float>>();
  const size_t count = values == nullptr ? 0 : values->size();
  if (count > 0 && dim == 0) in_.Fail("dim", "is 0: an embedding has at least one column");
  const size_t rows = dim == 0 ? 0 : count / dim;
  in_.AtMost("rows", rows, kMaxBatchRows);
  in_.Equal(name, count, rows * dim, "rows x dim");
  if (!in_.status().ok()) return;
  matrix = Matrix(rows, dim);
  if (count > 0) std::memcpy(matrix.data(), values->Data(), count * sizeof(float));
}

}  // namespace augstore::codec
