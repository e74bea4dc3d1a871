// The baseline of segments: a RocksDB with one row per key, read by MultiGet. For measurements.
#ifndef AUGSTORE_TOOLS_BENCH_ROCKSDB_ROW_PER_KEY_H_
#define AUGSTORE_TOOLS_BENCH_ROCKSDB_ROW_PER_KEY_H_

#include <memory>
#include <span>
#include <string>

#include "schemas/base/types.h"

namespace augstore {

// Gather may be called from several threads.
class RowPerKeyStore {
 public:
  // Makes a database in the new folder `path` that holds row i of `rows` at key i (big-endian), is
  // compacted, and whose block cache takes `cache_bytes`. Errors: kUnavailable (the folder).
  static Result<std::unique_ptr<RowPerKeyStore>> Create(const std::string& path,
                                                        ConstMatrixView rows, uint64_t cache_bytes);
  virtual ~RowPerKeyStore() = default;
  // out.row(i) = the row at keys[i]. Errors: kNotFound, kUnavailable. REQUIRES: keys.size() ==
  // out.rows; out.cols is that of the rows.
  virtual Status Gather(std::span<const uint64_t> keys, MatrixView out) = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_ROCKSDB_ROW_PER_KEY_H_
