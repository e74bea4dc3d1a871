// NumPy's .npy files, versions 1 to 3, C order: 2-D float32/float64/float16 matrices and 1-D
// integer vectors.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_NPY_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_NPY_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

// A 2-D float matrix ('<f4', '<f8' and '<f2' are converted to float32).
// Errors: kNotFound, kInvalidArgument (magic, header, dtype, order, rank, truncated), each naming
// the path.
Result<Matrix> ReadNpyMatrix(const std::string& path);
// A 1-D vector of integers ('|i1','|u1','<i2','<u2','<i4','<u4','<i8').
Result<std::vector<int64_t>> ReadNpyIntegers(const std::string& path);

// Bytes of a .npy file (version 1.0).
std::string WriteNpyMatrix(ConstMatrixView matrix);
std::string WriteNpyIntegers(std::span<const int64_t> values);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_NPY_H_
