#include "storage/rocksdb/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdarg>

namespace augstore {
namespace {

constexpr size_t kBlockCacheBytes = 32u << 20;
constexpr size_t kSegmentFileBytes = 256u << 20;
// More open tables would not be faster, and the index of each stays in memory.
constexpr rlim_t kMostOpenFiles = 8192;

// For a database that is opened for reading: nothing may be written.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

// Half of the descriptors that the process may have: the other half is for connections.
int MaxOpenFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  return static_cast<int>(std::clamp<rlim_t>(limit.rlim_cur / 2, 20, kMostOpenFiles));
}

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options;
  options.memtable_protection_bytes_per_key = 8;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions ImagesOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(blocks);
  options.compression = rocksdb::kNoCompression;  // hashes do not compress
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Plain tables, not blob files: those are checked with CRC-32C, which Debian's RocksDB computes
// without the CPU's instruction (0.4 GB/s), tables with XXH3. Segments are written in key order, so
// compactions move whole files.
rocksdb::ColumnFamilyOptions SegmentsOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(blocks);
  options.compression = rocksdb::kNoCompression;  // nor do embeddings
  options.target_file_size_base = kSegmentFileBytes;
  return options;
}

}  // namespace

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // The default, kPointInTimeRecovery, silently drops acknowledged writes after a damaged record.
  // This one drops what looks like a torn last write, which the store's mark tells from a loss.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A flush while opening needs space, and a store on a full device could not be opened.
  options.avoid_flush_during_recovery = true;
  options.track_and_verify_wals_in_manifest = true;
  options.max_bgerror_resume_count = 0;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.info_log = std::make_shared<NoLog>();
  options.stats_dump_period_sec = 0;
  options.max_total_wal_size = 256u << 20;
  options.max_open_files = MaxOpenFiles();
  options.max_file_opening_threads = 1;  // RocksDB aborts when a thread cannot be started
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors() {
  const auto blocks = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families(rocks::kFamilies);
  families[rocks::kDefault] = {rocksdb::kDefaultColumnFamilyName, FamilyOptions(blocks)};
  families[rocks::kRegistry] = {"registry", FamilyOptions(blocks)};
  families[rocks::kImages] = {"images", ImagesOptions(blocks)};
  families[rocks::kSegments] = {"segments", SegmentsOptions(blocks)};
  families[rocks::kSamples] = {"samples", FamilyOptions(blocks)};
  families[rocks::kMaps] = {"feature_maps", SegmentsOptions(blocks)};
  return families;
}

}  // namespace augstore
