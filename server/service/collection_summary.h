// Internal to the server folder: what a collection version has, and how two versions differ, for
// people.
#ifndef AUGSTORE_SERVER_SERVICE_COLLECTION_SUMMARY_H_
#define AUGSTORE_SERVER_SERVICE_COLLECTION_SUMMARY_H_

#include <nlohmann/json_fwd.hpp>

#include "schemas/base/cancellation.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// {"collection", "samples", "columns" [{"name", "classes"}],
//  "splits" [{"name", "samples", "unlabelled", "classes": [samples of each class]}]}, classes being
// those of the first column. Reads all its samples; the counts take `memory` meanwhile. Errors:
// those of Catalog::GetSamples and of `cancellation`; kResourceExhausted (more than a million
// counts).
Result<nlohmann::ordered_json> SummariseCollection(Catalog& catalog,
                                                   const Versioned<CollectionRecord>& collection,
                                                   MemoryBudget& memory,
                                                   const Cancellation& cancellation);

// From `other` to `collection`, samples being told apart by (split, key):
// {"other", "added", "removed", "relabelled": another class of the first column,
//  "replaced": another image, "left", "examples" [{"what", "split", "key"}]}; what is both
// relabelled and replaced counts as replaced. Takes 96 bytes of `memory` for each sample of `other`
// meanwhile. Errors: as SummariseCollection; kResourceExhausted.
Result<nlohmann::ordered_json> CompareCollections(Catalog& catalog,
                                                  const Versioned<CollectionRecord>& collection,
                                                  const Versioned<CollectionRecord>& other,
                                                  MemoryBudget& memory,
                                                  const Cancellation& cancellation);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_COLLECTION_SUMMARY_H_
