#include "tools/collection/embedder.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "engine/images/image_io.h"
#include "engine/math/compute_threads.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/cli/progress.h"
#include "tools/collection/parallel_for.h"
#include "tools/collection/segment_filler.h"

namespace augstore {
namespace {

// Images that are read, hashed and looked up together; also how far reading runs ahead of Φ.
constexpr size_t kWindow = 512;

int ThreadCount(int threads) { return threads > 0 ? threads : HardwareThreads(); }

// Bytes of files that a window keeps from hashing to decoding; the others are read again.
constexpr size_t kWindowBytes = 256u << 20;

// A damaged image is skipped. A file that cannot be read, or is gone since it was listed, is a
// failing device or a folder that was moved: a collection without those images would look whole.
Status Skip(const Status& status, std::string* reason) {
  if (status.code() != Code::kInvalidArgument) return status;
  *reason = status.message();
  return OkStatus();
}

// Decodes and resizes an item, then applies `op`, which may be null; or says why it is damaged.
void Decode(const ImageItem& item, const std::string& bytes, uint32_t height, uint32_t width,
            const ImageOp* op, Image* image, std::string* reason) {
  Result<Image> decoded = DecodeItem(item, bytes);
  if (!decoded.ok()) {
    *reason = decoded.status().message();
    return;
  }
  *image = std::move(*decoded);
  if (image->width != width || image->height != height) *image = ResizeImage(*image, width, height);
  if (op != nullptr) *image = op->Apply(*image);
}

// Errors: as ReadItem, but for a damaged image, which gets a reason.
Status ReadAndDecode(const ImageItem& item, uint32_t height, uint32_t width, const ImageOp* op,
                     Image* image, std::string* reason) {
  const Result<std::string> bytes = ReadItem(item);
  if (!bytes.ok()) return Skip(bytes.status(), reason);
  Decode(item, *bytes, height, width, op, image, reason);
  return OkStatus();
}

// A window of items on its way to Φ: what is known of each, and the pixels of those that are not
// stored yet.
struct Window {
  size_t begin = 0;
  std::vector<ContentHash> hashes;
  std::vector<ContentHash> sources;  // of the images; the hashes are those of their views
  std::vector<RowId> rows;
  std::vector<std::string> reasons;  // not empty: skipped
  std::vector<Image> images;         // empty where stored, repeated or skipped
};

class WindowReader {
 public:
  WindowReader(Client* client, const BackboneRecord& record, Dtype dtype,
               std::span<const ImageItem> items, std::span<const ImageOp> ops, int threads)
      : client_(client),
        record_(record),
        dtype_(dtype),
        items_(items),
        ops_(ops),
        threads_(threads) {}

  Result<Window> Read(size_t begin) const {
    Window window;
    window.begin = begin;
    const size_t count = std::min(kWindow, items_.size() - begin);
    window.hashes.resize(count);
    window.sources.resize(count);
    window.rows.assign(count, kNoRow);
    window.reasons.resize(count);
    window.images.resize(count);
    std::vector<std::string> bytes(count);
    std::atomic<size_t> kept = 0;
    AUGSTORE_TRY(ParallelFor(count, threads_, [&](size_t i) {
      Result<std::string> read = ReadItem(items_[begin + i]);
      if (!read.ok()) return Skip(read.status(), &window.reasons[i]);
      const auto* data = reinterpret_cast<const uint8_t*>(read->data());
      const ImageOp* const op = OpOf(begin + i);
      window.sources[i] = HashContent({data, read->size()});
      window.hashes[i] = DeriveHash(window.sources[i], op != nullptr ? op->text() : "");
      if (kept.fetch_add(read->size()) <= kWindowBytes) bytes[i] = std::move(*read);
      return OkStatus();
    }));
    AUGSTORE_TRY(LookUp(&window));
    AUGSTORE_TRY(ParallelFor(count, threads_, [&](size_t i) {
      if (window.rows[i] != kNoRow || !window.reasons[i].empty()) return OkStatus();
      const ImageItem& item = items_[begin + i];
      const std::string file = std::move(bytes[i]);
      if (file.empty()) {
        return ReadAndDecode(item, record_.input_height, record_.input_width, OpOf(begin + i),
                             &window.images[i], &window.reasons[i]);
      }
      Decode(item, file, record_.input_height, record_.input_width, OpOf(begin + i),
             &window.images[i], &window.reasons[i]);
      return OkStatus();
    }));
    return window;
  }

 private:
  const ImageOp* OpOf(size_t item) const {
    return ops_.empty() ? nullptr : &ops_[ops_.size() == 1 ? 0 : item];
  }

  Status LookUp(Window* window) const {
    FindImagesRequest request{.backbone = record_.digest, .images = {}, .dtype = dtype_};
    std::vector<size_t> asked;
    for (size_t i = 0; i < window->hashes.size(); ++i) {
      if (!window->reasons[i].empty()) continue;
      request.images.push_back(window->hashes[i]);
      asked.push_back(i);
    }
    if (asked.empty()) return OkStatus();
    AUGSTORE_ASSIGN(const RowIdsReply reply, client_->Call<RowIdsReply>(request));
    if (reply.rows.size() != asked.size())
      return Internal("the database answered for another number of images");
    for (size_t i = 0; i < asked.size(); ++i) window->rows[asked[i]] = reply.rows[i];
    return OkStatus();
  }

  Client* client_;
  const BackboneRecord& record_;
  const Dtype dtype_;
  std::span<const ImageItem> items_;
  std::span<const ImageOp> ops_;  // none, one for all items, or one for each
  int threads_;
};

Status TakeWindow(Window window, std::span<const ImageItem> items, SegmentFiller* filler,
                  EmbedOutcome* outcome) {
  for (size_t i = 0; i < window.hashes.size(); ++i) {
    const size_t item = window.begin + i;
    outcome->images[item] = window.hashes[i];
    outcome->rows[item] = window.rows[i];
    if (!window.reasons[i].empty()) {
      outcome->skipped.push_back({items[item].key, window.reasons[i]});
    } else if (window.rows[i] == kNoRow &&
               filler->Add(window.hashes[i], window.sources[i], std::move(window.images[i]))) {
      ++outcome->embedded;
    } else {
      ++outcome->reused;
    }
    if (filler->full()) AUGSTORE_TRY(filler->Flush());
  }
  return OkStatus();
}

// The rows that Φ made since the windows were taken; what Φ failed for is skipped after all.
void TakeRows(const SegmentFiller& filler, std::span<const ImageItem> items,
              EmbedOutcome* outcome) {
  std::set<ContentHash> failed;
  for (size_t i = 0; i < items.size(); ++i) {
    if (outcome->rows[i] != kNoRow) continue;
    const ContentHash& hash = outcome->images[i];
    outcome->rows[i] = filler.Row(hash);  // stays kNoRow where skipped
    const std::string* const failure = filler.Failure(hash);
    if (failure == nullptr) continue;
    --(failed.insert(hash).second ? outcome->embedded : outcome->reused);
    outcome->skipped.push_back(
        {items[i].key, fmt::format("image '{}': {}", items[i].key, *failure)});
  }
}

// `ops`: none, one for all items, or one for each.
Result<EmbedOutcome> Embed(Database& database, LazyBackbone& backbone,
                           std::span<const ImageItem> items, std::span<const ImageOp> ops,
                           const std::string& label, bool show_progress) {
  EmbedOutcome outcome;
  outcome.rows.assign(items.size(), kNoRow);
  outcome.images.resize(items.size());
  if (items.empty()) return outcome;
  AUGSTORE_ASSIGN(const std::unique_ptr<Client> reader_client, database.NewClient());
  const WindowReader reader(reader_client.get(), backbone.record(), backbone.dtype(), items, ops,
                            ThreadCount(backbone.threads()));
  SegmentFiller filler(&database.client(), &backbone, /*feature_maps=*/ops.empty());
  Progress progress(label, "images", items.size(), show_progress);
  const auto read = [&reader](size_t begin) { return reader.Read(begin); };

  std::future<Result<Window>> next = std::async(std::launch::async, read, size_t{0});
  for (size_t begin = 0; begin < items.size(); begin += kWindow) {
    AUGSTORE_ASSIGN(Window window, next.get());
    const size_t after = begin + kWindow;
    if (after < items.size()) next = std::async(std::launch::async, read, after);
    AUGSTORE_TRY(TakeWindow(std::move(window), items, &filler, &outcome));
    progress.Update(std::min(after, items.size()),
                    fmt::format("{} embedded, {} reused, {} skipped", outcome.embedded,
                                outcome.reused, outcome.skipped.size()));
    if (Interrupted()) {
      AUGSTORE_TRY(filler.Flush());
      return InterruptedStatus("what was embedded is stored: run the same command again to go on");
    }
  }
  AUGSTORE_TRY(filler.Flush());
  TakeRows(filler, items, &outcome);
  return outcome;
}

}  // namespace

void EmbedCounts::Add(const EmbedCounts& more) {
  embedded += more.embedded;
  reused += more.reused;
  skipped.insert(skipped.end(), more.skipped.begin(), more.skipped.end());
}

Json EmbedJson(const EmbedCounts& counts) {
  Json problems = Json::array();
  for (const SkippedImage& skipped : counts.skipped)
    problems.push_back({{"key", skipped.key}, {"reason", skipped.reason}});
  return {{"embedded", counts.embedded},
          {"reused", counts.reused},
          {"skipped", counts.skipped.size()},
          {"problems", problems}};
}

void PrintSkipped(const EmbedCounts& counts) {
  for (const SkippedImage& skipped : counts.skipped)
    fmt::print(stderr, "skipped {}\n", skipped.reason);
}

Result<EmbedOutcome> EmbedItems(Database& database, LazyBackbone& backbone,
                                std::span<const ImageItem> items, const std::optional<ImageOp>& op,
                                const std::string& label, bool show_progress) {
  const auto ops = op.has_value() ? std::span(&*op, 1) : std::span<const ImageOp>();
  return Embed(database, backbone, items, ops, label, show_progress);
}

Result<EmbedOutcome> EmbedItems(Database& database, LazyBackbone& backbone,
                                std::span<const ImageItem> items, std::span<const ImageOp> ops,
                                const std::string& label, bool show_progress) {
  AUGSTORE_CHECK(ops.size() == items.size());
  return Embed(database, backbone, items, ops, label, show_progress);
}

namespace {

Result<Matrix> Fetch(Client& client, const BackboneRecord& backbone, std::span<const RowId> rows,
                     bool feature_maps, size_t columns) {
  constexpr size_t kReplyBytes = 32u << 20;
  const size_t most = std::max<size_t>(1, kReplyBytes / (columns * sizeof(float)));
  Matrix out(rows.size(), columns);
  for (size_t begin = 0; begin < rows.size(); begin += most) {
    const auto part = rows.subspan(begin, std::min(most, rows.size() - begin));
    const ReadRowsRequest request{.backbone = backbone.digest,
                                  .rows = {part.begin(), part.end()},
                                  .feature_maps = feature_maps};
    AUGSTORE_ASSIGN(const Batch batch, client.CallForBatch(request));
    if (batch.embeddings.rows != part.size() || batch.embeddings.cols != columns) {
      return Internal("the database answered with {} x {} values for {} rows of {}",
                      batch.embeddings.rows, batch.embeddings.cols, part.size(), columns);
    }
    std::copy_n(batch.embeddings.data, part.size() * columns, out.row(begin).data());
  }
  return out;
}

}  // namespace

Result<Matrix> FetchRows(Client& client, const BackboneRecord& backbone,
                         std::span<const RowId> rows) {
  return Fetch(client, backbone, rows, false, backbone.dim);
}

Result<Matrix> FetchFeatureMaps(Client& client, const BackboneRecord& backbone,
                                std::span<const RowId> rows) {
  if (backbone.feature_map.values() == 0) {
    return FailedPrecondition(
        "backbone '{}' gives no feature map: use a TorchScript file that returns (embedding, map)",
        backbone.source);
  }
  return Fetch(client, backbone, rows, true, backbone.feature_map.values());
}

Result<EmbeddedViews> EmbedViews(Database& database, LazyBackbone& backbone,
                                 std::span<const ImageItem> items,
                                 std::span<const std::optional<ImageOp>> ops,
                                 const EmbedViewsOptions& options) {
  AUGSTORE_CHECK(!ops.empty() && !(options.feature_maps && ops[0].has_value()));
  EmbeddedViews result;
  std::vector<std::vector<RowId>> rows;
  for (const std::optional<ImageOp>& op : ops) {
    const std::string label = options.label + (op ? ", " + op->text() : "");
    AUGSTORE_ASSIGN(EmbedOutcome outcome,
                    EmbedItems(database, backbone, items, op, label, options.show_progress));
    if (!rows.empty()) outcome.skipped.clear();
    result.Add(outcome);
    rows.push_back(std::move(outcome.rows));
  }
  result.rows.resize(ops.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const auto absent = [i](const std::vector<RowId>& view) { return view[i] == kNoRow; };
    if (std::ranges::any_of(rows, absent)) continue;
    result.complete.push_back(i);
    for (size_t v = 0; v < ops.size(); ++v) result.rows[v].push_back(rows[v][i]);
  }
  if (result.complete.empty()) {
    return InvalidArgument("none of the {} images could be read, the first because: {}",
                           items.size(),
                           result.skipped.empty() ? "there are none" : result.skipped[0].reason);
  }
  for (const std::vector<RowId>& view : result.rows) {
    AUGSTORE_ASSIGN(Matrix matrix, FetchRows(database.client(), backbone.record(), view));
    result.views.push_back(std::move(matrix));
  }
  if (options.feature_maps) {
    AUGSTORE_ASSIGN(result.feature_maps,
                    FetchFeatureMaps(database.client(), backbone.record(), result.rows[0]));
  }
  return result;
}

std::vector<ImageItem> SpreadItems(std::vector<ImageItem> items, uint64_t limit) {
  if (limit == 0 || items.size() <= limit) return items;
  std::vector<ImageItem> chosen;
  chosen.reserve(limit);
  for (uint64_t i = 0; i < limit; ++i) chosen.push_back(items[i * items.size() / limit]);
  return chosen;
}

std::string FolderName(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

Result<DecodedImages> DecodeItems(std::span<const ImageItem> items, uint32_t height, uint32_t width,
                                  int threads) {
  DecodedImages out;
  out.images.resize(items.size());
  out.reasons.resize(items.size());
  AUGSTORE_TRY(ParallelFor(items.size(), ThreadCount(threads), [&](size_t i) {
    return ReadAndDecode(items[i], height, width, nullptr, &out.images[i], &out.reasons[i]);
  }));
  return out;
}

}  // namespace augstore
