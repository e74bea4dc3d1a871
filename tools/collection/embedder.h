// Turns images into rows of a space: reads and hashes, asks the database which it has, decodes the
// rest in parallel with Φ, and stores Φ's output, 256 rows at a time. The feature maps of images as
// they are, where Φ gives them, are stored beside their embeddings; those of augmented images are
// not: only a stored image is ever transformed. Every image that was stored
// is never embedded again, so whoever is interrupted runs the same command again and goes on.
#ifndef AUGSTORE_TOOLS_COLLECTION_EMBEDDER_H_
#define AUGSTORE_TOOLS_COLLECTION_EMBEDDER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/images/image_ops.h"
#include "engine/images/image_source.h"
#include "tools/cli/command.h"
#include "tools/collection/lazy_backbone.h"

namespace augstore {

struct SkippedImage {
  std::string key;
  std::string reason;
};

// What became of images, or of views of them.
struct EmbedCounts {
  uint64_t embedded = 0;  // that went through Φ
  uint64_t reused = 0;    // whose embedding was stored already (or that occur twice)
  std::vector<SkippedImage> skipped;
  void Add(const EmbedCounts& more);
};
// `embedded`, `reused`, `skipped` and `problems`: the skipped images with their reasons.
Json EmbedJson(const EmbedCounts& counts);
// Names the skipped images on standard error.
void PrintSkipped(const EmbedCounts& counts);

struct EmbedOutcome : EmbedCounts {
  std::vector<RowId> rows;          // of each item; kNoRow: skipped
  std::vector<ContentHash> images;  // under which they are stored
};

// Returns the row of Φ(op(image)) of every item; `op` empty: Φ(image). Damaged images are skipped
// and named. Errors: kUnavailable (a file cannot be read; "interrupted" after Ctrl-C; what was
// embedded is stored), kNotFound (a file is gone since it was listed), kResourceExhausted (out of
// memory), those of the database and of Φ.
Result<EmbedOutcome> EmbedItems(Database& database, LazyBackbone& backbone,
                                std::span<const ImageItem> items, const std::optional<ImageOp>& op,
                                const std::string& label, bool show_progress);
// The same with an op of its own for each item. REQUIRES: as many ops as items.
Result<EmbedOutcome> EmbedItems(Database& database, LazyBackbone& backbone,
                                std::span<const ImageItem> items, std::span<const ImageOp> ops,
                                const std::string& label, bool show_progress);

// The embeddings at `rows`, in order, fetched in parts, of those that are stored in f32. REQUIRES:
// no kNoRow among them.
Result<Matrix> FetchRows(Client& client, const BackboneRecord& backbone,
                         std::span<const RowId> rows);

// The feature maps at `rows`, likewise. Errors: kFailedPrecondition (a row has none).
Result<Matrix> FetchFeatureMaps(Client& client, const BackboneRecord& backbone,
                                std::span<const RowId> rows);

struct EmbedViewsOptions {
  std::string label = "images";  // of the progress line
  bool show_progress = true;
  bool feature_maps = false;  // of the plain images; the first op must be none then
};

// Counts the views; skipped are images under the first op.
struct EmbeddedViews : EmbedCounts {
  std::vector<size_t> complete;          // indices of the items of which every view exists
  std::vector<Matrix> views;             // one per op, a row for each complete item
  std::vector<std::vector<RowId>> rows;  // likewise, where they are stored
  Matrix feature_maps;                   // of each complete item, when they were asked for
};

// Embeds every item under every op; no op: Φ(x). All views are kept in the store, so later runs
// find them. Errors: those of EmbedItems; kInvalidArgument (no item is complete);
// kFailedPrecondition (Φ returns no feature maps).
Result<EmbeddedViews> EmbedViews(Database& database, LazyBackbone& backbone,
                                 std::span<const ImageItem> items,
                                 std::span<const std::optional<ImageOp>> ops,
                                 const EmbedViewsOptions& options);

// At most `limit` items (0: all), spread evenly: the first ones of a sorted listing would all be of
// the first classes.
std::vector<ImageItem> SpreadItems(std::vector<ImageItem> items, uint64_t limit);

// The last component of a path, also when it ends in a slash: what a folder of images is called.
std::string FolderName(const std::string& path);

// Reads, decodes and resizes items to the backbone's input, on `threads` threads; images[i] is
// empty where it is damaged, and reasons[i] says why. Errors: as EmbedItems.
struct DecodedImages {
  std::vector<Image> images;
  std::vector<std::string> reasons;
};
Result<DecodedImages> DecodeItems(std::span<const ImageItem> items, uint32_t height, uint32_t width,
                                  int threads);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_EMBEDDER_H_
