// Makes the views that a collection is to have and that are not stored yet.
#ifndef AUGSTORE_TOOLS_COLLECTION_VIEW_EMBEDDER_H_
#define AUGSTORE_TOOLS_COLLECTION_VIEW_EMBEDDER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "tools/collection/embedder.h"
#include "tools/collection/view_writer.h"

namespace augstore {

// The views of one number of one law that are not stored.
struct MissingViews {
  size_t law = 0;
  uint32_t number = 0;
  std::vector<ContentHash> images;  // distinct
};
// Of the chosen samples. Errors: those of FindImages.
Result<std::vector<MissingViews>> FindMissingViews(Client& client, const CollectionImages& of,
                                                   const std::vector<ViewLaw>& laws, bool show);
uint64_t CountMissing(const std::vector<MissingViews>& missing);

struct HashedItem {
  ImageItem item;
  ContentHash image;
};
// The items of the images of which views are missing, each once. Reads and hashes the files of
// `items`. Errors: kNotFound (an image is not among them: names a sample), those of ReadItem and of
// the database.
Result<std::vector<HashedItem>> ItemsOfMissing(Client& client, const CollectionImages& of,
                                               const std::vector<MissingViews>& missing,
                                               std::span<const ImageItem> items, int threads,
                                               bool show);

// Embeds the missing views of `items`, which are those of ItemsOfMissing. Errors: those of
// EmbedItems.
Result<EmbedCounts> EmbedMissing(Database& database, LazyBackbone& backbone,
                                 const std::vector<ViewLaw>& laws,
                                 const std::vector<MissingViews>& missing,
                                 std::span<const HashedItem> items, bool show);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_VIEW_EMBEDDER_H_
