// The store of an experiment. Its transforms and collections are kept here and not in the user's
// store, where trials would be listed and a bare name would resolve to one. Embeddings stay in the
// user's store, where a later run finds them; this store has copies of the rows that its
// collections need.
#ifndef AUGSTORE_TOOLS_COMPARE_TRIALS_H_
#define AUGSTORE_TOOLS_COMPARE_TRIALS_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/collection/collection_writer.h"
#include "tools/collection/embedder.h"

namespace augstore {

// Thread safety: one thread at a time.
class Trials {
 public:
  // In `folder`, where a later run finds what this one fitted; empty: in memory, gone with this
  // object. Registers the backbone. Errors: those of OpenRocksDbStore.
  static Result<std::unique_ptr<Trials>> Open(const std::string& folder,
                                              const LazyBackbone& backbone);
  virtual ~Trials() = default;
  virtual Client& client() = 0;
};

// Replaces collection `name` of the trials by the samples, whose row numbers are those of `source`;
// returns its ref. `feature_maps`: copies those of the rows too. REQUIRES: samples is not empty.
// Errors: those of FetchRows, FetchFeatureMaps and WriteCollection.
Result<std::string> CopyCollection(Client& source, Trials& trials, const BackboneRecord& backbone,
                                   const std::string& name, const std::vector<std::string>& classes,
                                   std::vector<SampleToWrite> samples, bool feature_maps);

// Copies a transform of `source`, unless the trials have it; returns its ref there. Errors:
// kNotFound.
Result<std::string> CopyTransform(Client& source, Trials& trials, const std::string& ref);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_TRIALS_H_
