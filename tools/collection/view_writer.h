// The views of a collection: which view sets it is to have, and a version that has them.
#ifndef AUGSTORE_TOOLS_COLLECTION_VIEW_WRITER_H_
#define AUGSTORE_TOOLS_COLLECTION_VIEW_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"
#include "engine/images/view_law.h"
#include "tools/cli/command.h"

namespace augstore {

// A collection version, and the images of its samples.
struct CollectionImages {
  Versioned<CollectionRecord> collection;
  std::vector<ContentHash> images;  // of each sample
  std::vector<uint64_t> chosen;     // the samples of a split
};
// The latest version. `split` empty: all samples are chosen. Errors: kNotFound (no such collection,
// or split: says which there are), kInvalidArgument (a reference to one version: views go into a
// new one, after the latest).
Result<CollectionImages> ReadImages(Client& client, const std::string& collection,
                                    const std::string& split, bool show);

// What a version with `has` becomes when it is to have `sets`, too. A set of the same law and seed
// grows. Errors: kInvalidArgument (no law; more views than a sample may have),
// kFailedPrecondition (a set that has more views already).
Result<std::vector<ViewLaw>> WithSets(const std::vector<ViewSet>& has,
                                      const std::vector<ViewSet>& sets);

std::vector<ViewSet> SetsOf(const std::vector<ViewLaw>& laws);

struct WrittenViews {
  std::string ref;
  CollectionRecord record;
  bool unchanged = false;  // the latest version has these views already
};
// Commits a version with the same samples and these views, as far as they are stored. Errors:
// kFailedPrecondition (another version was committed meanwhile), those of the database.
Result<WrittenViews> WriteViews(Client& client, const CollectionImages& of,
                                const std::vector<ViewLaw>& laws, bool show);

// [{"law", "count", "seed"}], and "2 of rotate(-30..30) (seed 7), 1 of vflip".
Json ViewsJson(const std::vector<ViewSet>& sets);
std::string ViewsText(const std::vector<ViewSet>& sets);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_VIEW_WRITER_H_
