// Collects images until a segment is full, runs Φ on them and stores the rows.
#ifndef AUGSTORE_TOOLS_COLLECTION_SEGMENT_FILLER_H_
#define AUGSTORE_TOOLS_COLLECTION_SEGMENT_FILLER_H_

#include <map>
#include <string>
#include <vector>

#include "client/client.h"
#include "engine/images/image.h"
#include "schemas/base/limits.h"
#include "tools/collection/lazy_backbone.h"

namespace augstore {

// Thread safety: none.
class SegmentFiller {
 public:
  // Both must outlive the filler.
  SegmentFiller(Client* client, LazyBackbone* backbone, bool feature_maps)
      : client_(client),
        backbone_(backbone),
        feature_maps_(feature_maps && backbone->record().feature_map.values() > 0) {}

  // `source`: the hash of the stored image that this is a view of, or itself. False: the image
  // waits here already, or was taken by this run.
  bool Add(const ContentHash& hash, const ContentHash& source, Image image);
  bool full() const { return images_.size() >= kSegmentRows; }
  // Embeds and stores what waits. Errors: those of Φ that say nothing of an image, and of the
  // database.
  Status Flush();

  // kNoRow: it was not stored.
  RowId Row(const ContentHash& hash) const;
  // Why Φ has no embedding of an image that was taken; null: it has, or it waits.
  const std::string* Failure(const ContentHash& hash) const;

 private:
  Client* client_;
  LazyBackbone* backbone_;
  bool feature_maps_;
  std::vector<ContentHash> hashes_;
  std::vector<ContentHash> sources_;
  std::vector<Image> images_;
  std::map<ContentHash, RowId> rows_;
  std::map<ContentHash, std::string> failures_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_SEGMENT_FILLER_H_
