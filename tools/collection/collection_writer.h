// Writes a collection version through a client: begin, samples in chunks, commit.
#ifndef AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_
#define AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "tools/cli/command.h"

namespace augstore {

struct SampleToWrite {
  std::string key;
  ContentHash image;   // under which its embedding is stored
  int32_t label = -1;  // index into `classes`
  std::string split;
};

struct WrittenCollection {
  std::string ref;
  CollectionRecord record;
  bool unchanged = false;  // the latest version had this content already
  DraftChanges changes;
};

// Extends the latest version of `collection` (or starts empty) by `samples`. Nothing is visible
// before the commit; on an error nothing is left. `before_commit` hears what the commit would do.
// Shows the progress of long commits unless `show` is false.
// Errors: those of Catalog::BeginDraft, AppendSamples and CommitDraft.
Result<WrittenCollection> WriteCollection(
    Client& client, const BeginDraftRequest& begin, const std::vector<SampleToWrite>& samples,
    const std::function<void(const DraftChanges&)>& before_commit = {}, bool show = false);

// Warns on standard error of rows that the collection would have in two splits (what a head is
// tested on must be new to it) or under several keys. `things`: what the rows are called.
void WarnOfSharedRows(const std::string& collection, std::string_view things,
                      const DraftChanges& changes);
// `added`, `replaced`, `left` and `refilled`, and the same in words.
Json ChangesJson(const DraftChanges& changes);
std::string ChangesText(const DraftChanges& changes);

// The dtype in which a collection's next samples are to be stored: what was asked for, else what
// its latest version has, else f32. Errors: kFailedPrecondition (it has another and does not start
// empty); those of Client::Get but kNotFound.
Result<Dtype> StoredDtype(Client& client, const std::string& collection,
                          const std::optional<Dtype>& asked, bool start_empty);

struct WriteFlags {
  bool start_empty = false;
  bool replace_samples = false;
};
void AddWriteFlags(Command* command, WriteFlags* flags);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_COLLECTION_WRITER_H_
