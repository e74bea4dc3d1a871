// Verify of the RocksDB store, in three passes: files, segments, images. The cursor names the pass
// and the next item:
//   "files <number>" (of the last file checked) · "segments <space> <segment>" · "images <key in
//   hexadecimal digits>"
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <charconv>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

constexpr uint64_t kStepBytes = 64u << 20;  // a step ends once it has read this much
constexpr uint64_t kStepImages = 65536;

std::string Hex(std::string_view bytes) { return rocksdb::Slice(bytes).ToString(/*hex=*/true); }

// Reads "<prefix><number>" off the front of `text`.
bool TakeNumber(std::string_view* text, std::string_view prefix, uint64_t* number) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return error == std::errc();
}

// Else a compaction could remove a file between the listing and the reading.
class FileDeletionPause {
 public:
  // `db` is null when it is open for reading, and removes nothing.
  explicit FileDeletionPause(rocksdb::DB* db) : db_(db) {
    if (db_ != nullptr) status_ = FromRocks(db_->DisableFileDeletions(), "the list of files");
  }
  ~FileDeletionPause() {
    if (db_ != nullptr) db_->EnableFileDeletions(/*force=*/false).PermitUncheckedError();
  }
  FileDeletionPause(const FileDeletionPause&) = delete;
  FileDeletionPause& operator=(const FileDeletionPause&) = delete;
  const Status& status() const { return status_; }

 private:
  rocksdb::DB* db_;
  Status status_;
};

Status HeldWhileVerifying(const std::string& path) {
  return FailedPrecondition(
      "store '{}' is held by another process, which replaces files while they are verified: verify "
      "through it (--connect)",
      path);
}

// What a table has: its family, and which keys.
std::string DescribeContent(const rocksdb::LiveFileMetaData& file) {
  if (file.column_family_name != "segments" && file.column_family_name != "feature_maps") {
    return fmt::format("{}, keys {} to {}", file.column_family_name, Hex(file.smallestkey),
                       Hex(file.largestkey));
  }
  const auto describe = [](std::string_view key) {
    if (key.size() != sizeof(SpaceId) + sizeof(uint64_t)) return Hex(key);
    return fmt::format("{}/{}", rocks::GetBig<SpaceId>(key.substr(0, sizeof(SpaceId))),
                       rocks::GetBig<uint64_t>(key.substr(sizeof(SpaceId))));
  };
  return fmt::format("{}, space/segment {} to {}", file.column_family_name,
                     describe(file.smallestkey), describe(file.largestkey));
}

}  // namespace

// Empty when the file's bytes have the checksum that was noted when the file was written. Errors:
// those of `cancellation`.
Result<std::string> RocksDbStore::CheckFile(const rocksdb::LiveFileMetaData& file,
                                            const Cancellation& cancellation) {
  std::unique_ptr<rocksdb::SequentialFile> in;
  const std::string path = path_ + "/" + file.relative_filename;
  if (!env_->NewSequentialFile(path, &in, rocksdb::EnvOptions()).ok()) {
    return std::string("it cannot be opened");
  }
  rocksdb::FileChecksumGenContext context;
  context.file_name = file.relative_filename;
  context.requested_checksum_func_name = file.file_checksum_func_name;
  const auto checksum =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(context);
  if (checksum == nullptr) return std::string("its checksum is of an unknown kind");
  std::vector<char> buffer(1 << 20);
  rocksdb::Slice read;
  do {
    AUGSTORE_TRY(cancellation.Check());
    if (!in->Read(buffer.size(), &read, buffer.data()).ok()) {
      return std::string("it cannot be read");
    }
    checksum->Update(read.data(), read.size());
  } while (!read.empty());
  checksum->Finalize();
  return std::string(checksum->GetChecksum() == file.file_checksum ? "" : "checksum mismatch");
}

Result<VerifyStep> RocksDbStore::Verify(const std::string& cursor,
                                        const Cancellation& cancellation) {
  std::string_view rest = cursor;
  uint64_t file = 0;
  uint64_t space = 0;
  uint64_t segment = 0;
  Result<VerifyStep> step = InvalidArgument("verify cursor '{}' is not of this store", cursor);
  if (cursor.empty()) {
    step = VerifyFiles(0, cancellation);
  } else if (TakeNumber(&rest, "files ", &file) && rest.empty()) {
    step = VerifyFiles(file, cancellation);
  } else if (rest.starts_with("images ")) {
    std::string key;
    if (!rocksdb::Slice(rest.substr(7)).DecodeHex(&key)) return step;
    step = VerifyImages(key, cancellation);
  } else if (TakeNumber(&rest, "segments ", &space) && TakeNumber(&rest, " ", &segment) &&
             rest.empty() && space <= ~SpaceId{0}) {
    step = VerifySegments(static_cast<SpaceId>(space), segment, cancellation);
  }
  if (step.ok()) step->total = EstimateItems();
  return step;
}

uint64_t RocksDbStore::EstimateItems() {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  uint64_t items = files.size();
  const ReaderLock lock(spaces_mutex_);
  for (const auto& space : spaces_) items += space->segments + space->rows;
  return items;
}

// RocksDB's own check of all files at once would take minutes on a large store; the checksums that
// it keeps in its manifest allow the same check file by file. They are asked for in a way that
// leaves the log alone: after a failed write RocksDB aborts when its log is to be flushed.
Result<VerifyStep> RocksDbStore::VerifyFiles(uint64_t after, const Cancellation& cancellation) {
  const FileDeletionPause pause(mark_ == nullptr ? nullptr : db_.get());
  AUGSTORE_TRY(pause.status());
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.file_number < b.file_number; });
  VerifyStep step;
  step.cursor = "segments 1 0";
  uint64_t bytes = 0;
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.file_number <= after) continue;
    if (bytes >= kStepBytes) break;
    AUGSTORE_ASSIGN(const std::string problem, CheckFile(file, cancellation));
    if (!problem.empty()) {
      if (mark_ == nullptr && FolderLock::IsHeld(path_)) return HeldWhileVerifying(path_);
      step.problems.push_back(
          fmt::format("file {} ({}): {}", file.relative_filename, DescribeContent(file), problem));
    }
    bytes += file.size;
    ++step.checked;
    step.cursor = fmt::format("files {}", file.file_number);
  }
  if (step.checked == 0) step.cursor = "segments 1 0";
  return step;
}

Status RocksDbStore::CheckTables(rocks::Family family_of, std::string begin, std::string end) {
  const FileDeletionPause pause(db_.get());
  AUGSTORE_TRY(pause.status());
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::erase_if(files, [&](const auto& file) {
    return file.column_family_name != family(family_of)->GetName();
  });
  // A compaction takes whole files, and then those of the next level that overlap with them.
  for (size_t checked = 0; checked < files.size();) {
    const auto next = std::find_if(
        files.begin() + static_cast<std::ptrdiff_t>(checked), files.end(),
        [&](const auto& file) { return file.largestkey >= begin && file.smallestkey <= end; });
    if (next == files.end()) break;
    begin = std::min(begin, next->smallestkey);
    end = std::max(end, next->largestkey);
    AUGSTORE_ASSIGN(const std::string problem, CheckFile(*next, {}));
    if (!problem.empty()) {
      return DataLoss(
          "file {} is damaged ({}), so that nothing in it can be given back or erased: "
          "run `augstore verify`, and restore the store from a backup",
          next->relative_filename, problem);
    }
    std::iter_swap(files.begin() + static_cast<std::ptrdiff_t>(checked++), next);
  }
  return OkStatus();
}

Result<VerifyStep> RocksDbStore::VerifySegments(SpaceId space_id, uint64_t segment,
                                                const Cancellation& cancellation) {
  VerifyStep step;
  const Result<Space*> found = GetSpace(space_id);
  if (!found.ok()) {  // after the last space
    step.cursor = "images ";
    return step;
  }
  const Space& space = **found;
  const uint64_t end = space.segments;
  for (uint64_t bytes = 0; segment < end && bytes < kStepBytes; ++segment, ++step.checked) {
    AUGSTORE_TRY(cancellation.Check());
    const auto loaded = LoadSegment(space, {space_id, segment});
    if (loaded.status().code() == Code::kUnavailable) return loaded.status();
    if (loaded.status().code() == Code::kNotFound) {
      NoteSegmentRows({space_id, segment}, kGone);
      continue;
    }
    bytes += kSegmentRows * RowBytes(space.dtype, space.dim);
    NoteSegmentRows({space_id, segment}, loaded.ok() ? RowsToNote(**loaded) : kReported);
    if (!loaded.ok()) {
      step.problems.push_back(loaded.status().message());
      continue;
    }
    AUGSTORE_ASSIGN(const uint64_t feature_map_bytes,
                    VerifyFeatureMaps(space, **loaded, segment, &step));
    bytes += feature_map_bytes;
    if (!RowsAreFinite(**loaded)) {
      step.problems.push_back(DescribeSegment({space_id, segment}) + ": NaN or infinity");
    }
  }
  if (segment < end) {
    step.cursor = fmt::format("segments {} {}", space_id, segment);
  } else {
    CheckRowCount(space, &step);
    step.cursor = fmt::format("segments {} 0", space_id + 1);
  }
  return step;
}

Result<uint64_t> RocksDbStore::VerifyFeatureMaps(const Space& space, const Segment& segment,
                                                 uint64_t number, VerifyStep* step) {
  const SegmentId id{space.id, number, RowPart::kMap};
  const auto feature_maps = LoadSegment(space, id);
  if (feature_maps.status().code() == Code::kUnavailable) return feature_maps.status();
  if (feature_maps.status().code() == Code::kFailedPrecondition) return 0u;  // stored without
  if (!feature_maps.ok()) {
    NoteSegmentRows({space.id, number}, kReported);
    step->problems.push_back(feature_maps.status().message());
    return 0u;
  }
  const Segment& data = **feature_maps;
  if (data.rows != segment.rows) {
    step->problems.push_back(
        fmt::format("{}: {} rows for {} embeddings", DescribeSegment(id), data.rows, segment.rows));
  }
  if (!RowsAreFinite(data)) step->problems.push_back(DescribeSegment(id) + ": NaN or infinity");
  return data.bytes();
}

void RocksDbStore::NoteSegmentRows(const SegmentId& id, uint16_t rows) {
  const MutexLock lock(verify_mutex_);
  segment_rows_.resize(std::max<size_t>(segment_rows_.size(), id.space));
  auto& sizes = segment_rows_[id.space - 1];
  sizes.resize(std::max<size_t>(sizes.size(), id.segment + 1));
  // What was given back does not come back, whatever a slower reader saw before.
  if (sizes[id.segment] != kGone) sizes[id.segment] = rows;
}

void RocksDbStore::CheckRowCount(const Space& space, VerifyStep* step) {
  // Counters and what is known of segments, of one moment.
  const MutexLock writes(write_mutex_);
  const SpaceInfo info = space.info();
  uint64_t rows = 0;
  const MutexLock lock(verify_mutex_);
  if (segment_rows_.size() < info.id) return;
  const std::vector<uint16_t>& sizes = segment_rows_[info.id - 1];
  for (uint64_t i = 0; i < info.segments; ++i) {
    if (i >= sizes.size() || sizes[i] == 0 || sizes[i] == kReported) return;
    if (sizes[i] != kGone) rows += sizes[i] & ~kHasErased;
  }
  if (rows != info.rows) {
    step->problems.push_back(fmt::format("space {}: its segments hold {} rows, {} are counted",
                                         info.id, rows, info.rows));
  }
}

uint16_t RocksDbStore::KnownRows(const SegmentId& id) {
  const MutexLock lock(verify_mutex_);
  if (segment_rows_.size() < id.space || segment_rows_[id.space - 1].size() <= id.segment) return 0;
  return segment_rows_[id.space - 1][id.segment];
}

Result<bool> RocksDbStore::RowExists(const Space& space, RowId row) {
  const uint64_t segment = row / kSegmentRows;
  const uint16_t rows = KnownRows({space.id, segment});
  if (rows == kReported) return true;  // once is enough
  if (rows == kGone) return false;
  if (rows != 0 && (rows & kHasErased) == 0) return row % kSegmentRows < rows;
  AUGSTORE_ASSIGN(const auto loaded, LoadSegment(space, {space.id, segment}));
  return loaded->Has(row % kSegmentRows);
}

Result<VerifyStep> RocksDbStore::VerifyImages(const std::string& after,
                                              const Cancellation& cancellation) {
  VerifyStep step;
  const std::unique_ptr<rocksdb::Iterator> i = NewIterator(kImages);
  i->Seek(after);
  if (i->Valid() && i->key() == after) i->Next();
  uint64_t bytes = 0;  // of segments that no earlier step has read
  for (; i->Valid() && step.checked < kStepImages && bytes < kStepBytes &&
         step.problems.size() < kMaxProblems - 1;
       i->Next(), ++step.checked) {
    AUGSTORE_TRY(cancellation.Check());
    const std::string_view key = i->key().ToStringView();
    step.cursor = "images " + Hex(key);
    const auto problem = [&](std::string_view what) {
      step.problems.push_back(fmt::format("image index entry {}: {}", Hex(key), what));
    };
    const auto entry = rocks::ParseImage(i->value().ToStringView());
    if (key.size() != sizeof(SpaceId) + sizeof(ContentHash) || !entry.has_value()) {
      problem("wrong size");
      continue;
    }
    const Result<Space*> space = GetSpace(rocks::GetBig<SpaceId>(key));
    if (!space.ok()) {
      problem(space.status().message());
      continue;
    }
    if (KnownRows({(*space)->id, entry->row / kSegmentRows}) == 0) {
      bytes += kSegmentRows * RowBytes((*space)->dtype, (*space)->dim);
    }
    const Result<bool> exists = RowExists(**space, entry->row);
    if (exists.status().code() == Code::kUnavailable) return exists.status();
    if (exists.ok() && *exists != entry->erased) continue;
    // A row may have been given back since the entry was read.
    AUGSTORE_ASSIGN(const std::optional<std::string> now, Get(kImages, key, "the image index"));
    if (now != i->value().ToStringView()) continue;
    if (!exists.ok()) {
      problem(exists.status().message());
    } else if (!*exists && !entry->erased) {
      problem(NoSuchRow((*space)->info(), entry->row).message());
    }
  }
  if (!i->Valid()) {
    step.cursor.clear();
    if (!i->status().ok()) {
      step.problems.push_back("image index: " + i->status().ToString());
    }
  }
  return step;
}

}  // namespace augstore
