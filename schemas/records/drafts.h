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
  bool replace = false;  // false: the new version starts from the latest one; samples of equal
                         // (split, key) are replaced
  std::string source;
  Dtype dtype = Dtype::kF32;  // of the stored embeddings
};

struct OpenDraft {
  uint32_t draft = 0;  // its number
  // The class indices that samples must use: of each label column, the classes of the latest
  // version (unless replaced), then the new ones.
  std::vector<LabelColumn> labels;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_DRAFTS_H_
