// Registry records and sample lists of the RocksDB store.
#include "storage/rocksdb/rocksdb_guard.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

using rocks::kBlobTag;
using rocks::kCounterTag;
using rocks::kRecordTag;
using rocks::RegistryKey;
using rocks::RegistryPrefix;

std::string Describe(const RecordKey& key) {
  return fmt::format("{} '{}' version {}", RecordKindName(key.kind), key.name, key.version);
}

// Takes apart prefix-of-kind · name · NUL · version. Nothing when `bytes` is not such a key.
std::optional<RecordKey> ParseRegistryKey(RecordKind kind, std::string_view bytes) {
  if (bytes.size() < 1 + 1 + 1 + sizeof(uint32_t)) return std::nullopt;
  const size_t end = bytes.size() - sizeof(uint32_t) - 1;
  if (bytes[end] != '\0') return std::nullopt;
  return RecordKey{kind, std::string(bytes.substr(1, end - 1)),
                   rocks::GetBig<uint32_t>(bytes.substr(end + 1))};
}

Status ForeignKey(RecordKind kind, const rocksdb::Slice& key) {
  return DataLoss("the registry has a key that is no {}'s: {}; run `augstore verify`",
                  RecordKindName(kind), key.ToString(/*hex=*/true));
}

std::string DescribeList(uint32_t list) { return fmt::format("sample list {}", list); }

}  // namespace

Result<uint32_t> RocksDbStore::AddRecord(RecordKind kind, const std::string& name,
                                         std::string_view bytes, std::string_view blob) {
  AUGSTORE_TRY(CheckNewRecord(kind, name));
  const std::string counter = RegistryPrefix(kCounterTag, kind, name);
  const MutexLock lock(write_mutex_);
  AUGSTORE_ASSIGN(const uint32_t version, GetCounter(kRegistry, counter, 1));
  const RecordKey key{kind, name, version};
  rocksdb::WriteBatch batch(BatchBytes(bytes.size() + blob.size(), 3));
  batch.Put(family(kRegistry), RegistryKey(kRecordTag, key), rocksdb::Slice(bytes));
  if (!blob.empty()) {
    batch.Put(family(kRegistry), RegistryKey(kBlobTag, key), rocksdb::Slice(blob));
  }
  batch.Put(family(kRegistry), counter, rocks::Big(version + 1));
  AUGSTORE_TRY(Write(&batch, Describe(key)));
  return version;
}

Status RocksDbStore::PutRecord(RecordKind kind, const std::string& name, std::string_view bytes) {
  AUGSTORE_TRY(CheckPutRecord(kind, name));
  const RecordKey key{kind, name, 1};
  rocksdb::WriteBatch batch(BatchBytes(bytes.size(), 1));
  batch.Put(family(kRegistry), RegistryKey(kRecordTag, key), rocksdb::Slice(bytes));
  const MutexLock lock(write_mutex_);
  return Write(&batch, Describe(key));
}

Result<std::string> RocksDbStore::ReadRecord(const RecordKey& key) {
  AUGSTORE_TRY(CheckKind(key.kind));
  AUGSTORE_ASSIGN(std::optional<std::string> bytes,
                  Get(kRegistry, RegistryKey(kRecordTag, key), Describe(key)));
  if (!bytes.has_value()) return NoSuchRecord(key);
  return *std::move(bytes);
}

Result<std::string> RocksDbStore::ReadBlob(const RecordKey& key) {
  AUGSTORE_TRY(CheckKind(key.kind));
  AUGSTORE_ASSIGN(std::optional<std::string> blob,
                  Get(kRegistry, RegistryKey(kBlobTag, key), Describe(key)));
  if (blob.has_value()) return *std::move(blob);
  AUGSTORE_TRY(ReadRecord(key));
  return std::string();
}

Result<std::vector<RecordEntry>> RocksDbStore::ListRecords(RecordKind kind,
                                                           const std::string& name) {
  AUGSTORE_TRY(CheckKind(kind));
  const std::string prefix = RegistryPrefix(kRecordTag, kind, name);
  std::vector<RecordEntry> entries;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kRegistry);
  for (i->Seek(prefix); i->Valid() && i->key().starts_with(prefix); i->Next()) {
    std::optional<RecordKey> key = ParseRegistryKey(kind, i->key().ToStringView());
    if (!key.has_value()) return ForeignKey(kind, i->key());
    entries.push_back({*std::move(key), i->value().ToString()});
  }
  AUGSTORE_TRY(FromRocks(i->status(), fmt::format("the {} records", RecordKindName(kind))));
  return entries;
}

Result<RecordEntry> RocksDbStore::LatestRecord(RecordKind kind, const std::string& name) {
  AUGSTORE_TRY(CheckKind(kind));
  const std::string prefix = RegistryPrefix(kRecordTag, kind, name);
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kRegistry);
  i->SeekForPrev(RegistryKey(kRecordTag, {kind, name, ~uint32_t{0}}));
  AUGSTORE_TRY(FromRocks(i->status(), fmt::format("{} '{}'", RecordKindName(kind), name)));
  if (name.empty() || !i->Valid() || !i->key().starts_with(prefix)) {
    return NoSuchRecord(kind, name);
  }
  std::optional<RecordKey> key = ParseRegistryKey(kind, i->key().ToStringView());
  if (!key.has_value()) return ForeignKey(kind, i->key());
  return RecordEntry{*std::move(key), i->value().ToString()};
}

Result<std::vector<std::string>> RocksDbStore::ListNames(RecordKind kind, size_t most) {
  AUGSTORE_TRY(CheckKind(kind));
  const std::string prefix = RegistryPrefix(kRecordTag, kind, "");
  std::vector<std::string> names;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kRegistry);
  i->Seek(prefix);
  while (names.size() < most && i->Valid() && i->key().starts_with(prefix)) {
    const std::optional<RecordKey> key = ParseRegistryKey(kind, i->key().ToStringView());
    if (!key.has_value()) return ForeignKey(kind, i->key());
    names.push_back(key->name);
    std::string past = RegistryPrefix(kRecordTag, kind, key->name);
    past.back() = '\x01';  // behind the NUL of all its versions
    i->Seek(past);
  }
  AUGSTORE_TRY(FromRocks(i->status(), fmt::format("the {} records", RecordKindName(kind))));
  return names;
}

Status RocksDbStore::DeleteRecord(const RecordKey& key) {
  AUGSTORE_TRY(CheckKind(key.kind));
  const MutexLock lock(write_mutex_);
  AUGSTORE_TRY(ReadRecord(key));
  rocksdb::WriteBatch batch(BatchBytes(0, 4));
  batch.Delete(family(kRegistry), RegistryKey(kRecordTag, key));
  batch.Delete(family(kRegistry), RegistryKey(kBlobTag, key));
  return Write(&batch, Describe(key));
}

Result<uint32_t> RocksDbStore::NewSampleList() {
  const MutexLock lock(write_mutex_);
  AUGSTORE_ASSIGN(const uint32_t list, GetCounter(kDefault, rocks::kNextListKey, 1));
  rocksdb::WriteBatch batch(BatchBytes(0, 2));
  batch.Put(family(kSamples), rocks::Big(list), rocksdb::Slice());
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kNextListKey), rocks::Big(list + 1));
  AUGSTORE_TRY(Write(&batch, DescribeList(list)));
  return list;
}

Status RocksDbStore::PutSampleChunks(uint32_t list, std::span<const NumberedChunk> chunks) {
  size_t bytes = 0;
  for (const NumberedChunk& chunk : chunks) bytes += chunk.bytes.size();
  rocksdb::WriteBatch batch(BatchBytes(bytes, chunks.size()));
  for (const NumberedChunk& chunk : chunks) {
    batch.Put(family(kSamples), rocks::SampleKey({list, chunk.number}), chunk.bytes);
  }
  const MutexLock lock(write_mutex_);
  AUGSTORE_ASSIGN(const std::optional<std::string> exists,
                  Get(kSamples, rocks::Big(list), DescribeList(list)));
  if (!exists.has_value()) return NoSuchList(list);
  return Write(&batch, DescribeList(list));
}

Result<std::string> RocksDbStore::ReadSampleChunk(const ChunkId& chunk) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // whoever reads one reads all, which are more than the cache holds
  std::string bytes;
  const std::string key = rocks::SampleKey(chunk);
  const rocksdb::Status status =
      InRocksDb([&] { return db_->Get(options, family(kSamples), key, &bytes); });
  if (status.IsNotFound()) return NoSuchChunk(chunk);
  AUGSTORE_TRY(FromRocks(status, DescribeChunk(chunk)));
  return bytes;
}

Status RocksDbStore::DropSamples(std::span<const uint32_t> lists, std::span<const ChunkId> chunks) {
  if (lists.empty() && chunks.empty()) return OkStatus();
  rocksdb::WriteBatch batch(BatchBytes(0, lists.size() + chunks.size()));
  for (const uint32_t list : lists) {
    // From the list's own key to the next list's: all chunks lie between.
    batch.DeleteRange(family(kSamples), rocks::Big(list), rocks::Big(list + 1));
  }
  for (const ChunkId& chunk : chunks) batch.Delete(family(kSamples), rocks::SampleKey(chunk));
  const MutexLock lock(write_mutex_);
  return Write(&batch, "the removal of samples");
}

Result<std::vector<uint32_t>> RocksDbStore::ListSampleLists() {
  std::vector<uint32_t> lists;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kSamples);
  i->SeekToFirst();
  while (i->Valid()) {
    if (i->key().size() < sizeof(uint32_t)) {
      return DataLoss("the sample lists have a key of {} bytes; run `augstore verify`",
                      i->key().size());
    }
    lists.push_back(rocks::GetBig<uint32_t>(i->key().ToStringView()));
    i->Seek(rocks::Big(lists.back() + 1));
  }
  AUGSTORE_TRY(FromRocks(i->status(), "the sample lists"));
  return lists;
}

}  // namespace augstore
