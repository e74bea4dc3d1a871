#include "schemas/weights/npy.h"

#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {

void Fuzz_npy(Bytes input) {
  const std::string path = Folder().Write("input.npy", Text(input));
  const Result<Matrix> matrix = ReadNpyMatrix(path);
  const Result<std::vector<int64_t>> integers = ReadNpyIntegers(path);
  AUGSTORE_CHECK(!matrix.ok() || !integers.ok());
  if (matrix.ok()) {
    AUGSTORE_CHECK(matrix->rows() * matrix->cols() <= input.size());
    const std::string written = WriteNpyMatrix(matrix->view());
    const Result<Matrix> again = ReadNpyMatrix(Folder().Write("written.npy", written));
    AUGSTORE_CHECK(again.ok() && WriteNpyMatrix(again->view()) == written);
    AUGSTORE_CHECK(again->rows() == matrix->rows() && again->cols() == matrix->cols());
  }
  if (integers.ok()) {
    AUGSTORE_CHECK(integers->size() <= input.size());
    const std::string written = WriteNpyIntegers(*integers);
    const auto again = ReadNpyIntegers(Folder().Write("written.npy", written));
    AUGSTORE_CHECK(again.ok() && *again == *integers);
  }
}

}  // namespace augstore::fuzz
