// Writes a collection version through a client: begin, samples in chunks, commit.
#ifndef AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_
#define AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace augstore {

struct SampleToWrite {
  std::string key;
  RowId row = kNoRow;
  int32_t label = -1;  // index into `classes`
  std::string split;
};

struct WrittenCollection {
  std::string ref;
  CollectionRecord record;
  bool unchanged = false;  // the latest version had this content already
};

// Extends the latest version of `collection` (or replaces it) by `samples`. Nothing is visible
// before the commit; on an error nothing is left. Errors: those of Catalog::BeginDraft,
// AppendSamples and CommitDraft.
Result<WrittenCollection> WriteCollection(Client& client, const BeginDraftRequest& begin,
                                          const std::vector<SampleToWrite>& samples);

// The dtype in which a collection's next samples are to be stored: what was asked for, else what
// its latest version has, else f32. Errors: kFailedPrecondition (it has another and is not
// replaced); those of Client::Get but kNotFound.
Result<Dtype> StoredDtype(Client& client, const std::string& collection,
                          const std::optional<Dtype>& asked, bool replace);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_
