// The store of an experiment. Its transforms and collections are kept here and not in the user's
// store, where trials would be listed and a bare name would resolve to one. Embeddings stay in the
// user's store, where a later run finds them; this store has copies of the rows that its
// collections need.
#ifndef AUGSTORE_TOOLS_COMPARE_TRIALS_H_
#define AUGSTORE_TOOLS_COMPARE_TRIALS_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schemas/base/digest.h"
#include "tools/collection/collection_writer.h"
#include "tools/collection/embedder.h"

namespace augstore {

// What an experiment works with. Thread safety: one thread at a time.
struct Trials {
  std::unique_ptr<Database> source;        // the user's
  std::unique_ptr<LazyBackbone> backbone;  // registered in both stores
  std::unique_ptr<Database> own;
  bool show_progress = true;
  Client& client() { return own->client(); }
  const BackboneRecord& space() const { return backbone->record(); }
};
// The own store is in `folder`, where a later run finds what this one fitted; empty: in memory,
// gone with the trials. `create`: make the user's store when there is none. Errors: those of
// Database::Open, LazyBackbone::Open and OpenRocksDbStore.
Result<Trials> OpenTrials(const CommonFlags& common, const BackboneFlags& backbone,
                          const std::string& folder, bool create);

// Replaces collection `name` of the trials by the samples, whose embeddings are at `rows` of the
// user's store; returns its ref. `feature_maps`: copies those of the rows too. REQUIRES: as many
// rows as samples, and some. Errors: those of FetchRows, FetchFeatureMaps and WriteCollection.
Result<std::string> CopyCollection(Trials& trials, const std::string& name,
                                   const std::vector<std::string>& classes,
                                   std::vector<SampleToWrite> samples, std::span<const RowId> rows,
                                   bool feature_maps);

// Copies a transform of the user's, unless the trials have it; returns its ref there. Errors:
// kNotFound.
Result<std::string> CopyTransform(Trials& trials, const std::string& ref);

// Adds the rows of a matrix: results of an earlier run count if they are the same.
void AddMatrix(const Matrix& matrix, DigestBuilder* digest);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_TRIALS_H_
