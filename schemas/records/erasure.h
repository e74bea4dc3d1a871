// Erasing an image from every collection version that has it.
#ifndef AUGSTORE_SCHEMAS_RECORDS_ERASURE_H_
#define AUGSTORE_SCHEMAS_RECORDS_ERASURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/records/deletion.h"

namespace augstore {

// Which image: that of a sample, or one by its content hash when no collection is named.
struct ErasureTarget {
  std::string collection;  // reference of a version that has the sample
  std::string split;       // empty: the key must be in one split alone
  std::string key;
  std::string image;     // hexadecimal
  bool preview = false;  // change nothing: only say what names the image
  bool operator==(const ErasureTarget&) const = default;
};

// How far a run is, and what it found so far.
struct ErasureStep {
  std::string phase;  // what is being done; empty: the run is over
  uint64_t done = 0;
  uint64_t total = 0;
  std::string image;  // its content hash, hexadecimal; empty: not known yet
  // Collection versions that have the image, aliases of those, and heads that were trained on
  // them, which stay; with the reason.
  std::vector<DeletedRecord> records;
  uint64_t rows = 0;   // embeddings of the image, one for each backbone and dtype
  uint64_t views = 0;  // embeddings of its augmented views
  bool applied = false;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_ERASURE_H_
