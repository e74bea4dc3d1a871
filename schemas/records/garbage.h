// Giving back the space of rows that nothing names.
#ifndef AUGSTORE_SCHEMAS_RECORDS_GARBAGE_H_
#define AUGSTORE_SCHEMAS_RECORDS_GARBAGE_H_

#include <cstdint>
#include <string>

namespace augstore {

struct GarbageOptions {
  bool apply = false;  // give the space back; else only count
  bool pairs = false;  // also that of pairs of images that no sample names
  bool operator==(const GarbageOptions&) const = default;
};

// How far a run is, and what it found so far.
struct GarbageStep {
  std::string phase;  // what is being done; empty: the run is over
  uint64_t done = 0;
  uint64_t total = 0;
  uint64_t segments = 0;   // of which no row is named
  uint64_t rows = 0;       // in them
  uint64_t bytes = 0;      // of them, with their feature maps
  uint64_t kept_rows = 0;  // that nothing names, beside named ones in their segments
  bool operator==(const GarbageStep&) const = default;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_GARBAGE_H_
