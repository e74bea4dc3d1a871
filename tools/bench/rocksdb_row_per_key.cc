#include "tools/bench/rocksdb_row_per_key.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace augstore {
namespace {

constexpr size_t kRowsPerWrite = 1024;

rocksdb::Options MakeOptions(uint64_t cache_bytes) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksDbRows : public RowPerKeyStore {
 public:
  explicit RocksDbRows(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}

  Status Fill(ConstMatrixView rows) {
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    for (size_t begin = 0; begin < rows.rows; begin += kRowsPerWrite) {
      rocksdb::WriteBatch batch;
      for (size_t i = begin; i < std::min(rows.rows, begin + kRowsPerWrite); ++i) {
        const std::span<const float> row = rows.row(i);
        batch.Put(rocks::Big(uint64_t{i}),
                  rocksdb::Slice(reinterpret_cast<const char*>(row.data()), row.size_bytes()));
      }
      AUGSTORE_TRY(FromRocks(db_->Write(unlogged, &batch), "a scratch row"));
    }
    AUGSTORE_TRY(FromRocks(db_->Flush({}), "the scratch rows"));
    return FromRocks(db_->CompactRange({}, nullptr, nullptr), "the scratch rows");
  }

  Status Gather(std::span<const uint64_t> keys, MatrixView out) override {
    AUGSTORE_CHECK(keys.size() == out.rows);
    std::vector<std::string> bytes(keys.size());
    std::vector<rocksdb::Slice> slices(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      bytes[i] = rocks::Big(keys[i]);
      slices[i] = bytes[i];
    }
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), keys.size(), slices.data(),
                  values.data(), statuses.data());
    for (size_t i = 0; i < keys.size(); ++i) {
      AUGSTORE_TRY(FromRocks(statuses[i], fmt::format("scratch row {}", keys[i])));
      if (values[i].size() != out.cols * sizeof(float)) {
        return DataLoss("scratch row {} has {} bytes: run it again", keys[i], values[i].size());
      }
      std::memcpy(out.row(i).data(), values[i].data(), values[i].size());
    }
    return OkStatus();
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<RowPerKeyStore>> RowPerKeyStore::Create(const std::string& path,
                                                               ConstMatrixView rows,
                                                               uint64_t cache_bytes) {
  rocksdb::DB* db = nullptr;
  AUGSTORE_TRY(FromRocks(rocksdb::DB::Open(MakeOptions(cache_bytes), path, &db),
                         fmt::format("scratch database '{}'", path)));
  auto store = std::make_unique<RocksDbRows>(std::unique_ptr<rocksdb::DB>(db));
  AUGSTORE_TRY(store->Fill(rows));
  return std::unique_ptr<RowPerKeyStore>(std::move(store));
}

}  // namespace augstore
