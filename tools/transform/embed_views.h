// Φ of the same images under several ops.
#ifndef AUGSTORE_TOOLS_TRANSFORM_EMBED_VIEWS_H_
#define AUGSTORE_TOOLS_TRANSFORM_EMBED_VIEWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/images/image_source.h"
#include "tools/collection/embedder.h"

namespace augstore {

struct EmbedViewsOptions {
  std::string label = "images";  // of the progress line
  bool show_progress = true;
  bool feature_maps = false;  // of the plain images; the first op must be none then
};

struct EmbeddedViews {
  std::vector<size_t> complete;          // indices of the items of which every view exists
  std::vector<Matrix> views;             // one per op, a row for each complete item
  std::vector<std::vector<RowId>> rows;  // likewise, where they are stored
  Matrix feature_maps;                   // of each complete item, when they were asked for
  uint64_t embedded = 0;                 // views that went through Φ
  uint64_t reused = 0;                   // views that were stored already
  std::vector<SkippedImage> skipped;     // under the first op
};

// Embeds every item under every op; no op: Φ(x). All views are kept in the store, so later runs
// find them. Errors: those of EmbedItems; kInvalidArgument (no item is complete);
// kFailedPrecondition (Φ returns no feature maps).
Result<EmbeddedViews> EmbedViews(Database& database, LazyBackbone& backbone,
                                 std::span<const ImageItem> items,
                                 std::span<const std::optional<ImageOp>> ops,
                                 const EmbedViewsOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_EMBED_VIEWS_H_
