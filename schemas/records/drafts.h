// A collection version while it is being written: what the writer asks for, and what it gets.
#ifndef AUGSTORE_SCHEMAS_RECORDS_DRAFTS_H_
#define AUGSTORE_SCHEMAS_RECORDS_DRAFTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/records/records.h"

namespace augstore {

struct DraftSpec {
  std::string collection;
  Digest backbone;
  std::vector<LabelColumn> labels;
  bool start_empty = false;  // false: the new version starts from the latest one
  std::string source;
  Dtype dtype = Dtype::kF32;  // of the stored embeddings
  // Samples that the latest version has may be replaced by those of equal (split, key).
  bool replace_samples = false;
  // True: the new version has the samples of the latest one, and `views` in place of its view sets.
  // Their rows come by AppendViews instead of samples. `labels` are then not looked at.
  bool views_only = false;
  std::vector<ViewSet> views = {};
  // The version whose samples the views are of: refused unless it is the latest. With `views_only`.
  uint32_t views_of = 0;
};

struct OpenDraft {
  uint32_t draft = 0;  // its number
  // The class indices that samples must use: of each label column, the classes of the latest
  // version (unless replaced), then the new ones.
  std::vector<LabelColumn> labels;
};

// Rows of a draft's samples that the new version would have more than once.
struct SharedRows {
  std::string split;
  std::string other;         // the same split: the rows are there under several keys
  uint64_t rows = 0;         // distinct
  uint64_t conflicting = 0;  // of them: have several labels
  bool operator==(const SharedRows&) const = default;
};

// What committing a draft would do to the collection. Every sample of the draft is counted once.
struct DraftChanges {
  static constexpr size_t kMaxExamples = 3;
  static constexpr size_t kMaxShared = 64;

  uint64_t added = 0;
  uint64_t replaced = 0;  // the latest version has the (split, key) with another row or label
  uint64_t left = 0;      // the latest version has it as it is
  uint64_t refilled = 0;  // the same, but its image was stored anew since: its row had been lost
  std::vector<std::string> examples;  // of replaced samples, described; at most kMaxExamples
  std::vector<SharedRows> shared;     // most rows first; at most kMaxShared
};

// How far a comparison or a commit of a draft is, when it needs several calls.
struct DraftProgress {
  std::string phase;  // what is being done: "compare", "write"
  uint64_t done = 0;  // chunks of samples
  uint64_t total = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_DRAFTS_H_
