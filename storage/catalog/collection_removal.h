// Giving back the samples that no version of a collection names any more. Internal to
// storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_COLLECTION_REMOVAL_H_
#define AUGSTORE_STORAGE_CATALOG_COLLECTION_REMOVAL_H_

#include "storage/store/store.h"

namespace augstore {

// Of a sample list whose version was deleted: drops the chunks that its table names and no
// version's table does, then the list, unless a version names chunks of it. All in one write, so
// that a list without a version still has a table if and only if this was not done. Errors:
// kDataLoss (what is needed to know is damaged: nothing was dropped).
Status DropUnnamedSamples(Store* store, uint32_t list);
// The same for all lists without a version: what writers and deletions left that did not end. Lists
// of which a damaged record may have chunks stay.
Status DropLeftovers(Store* store);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_COLLECTION_REMOVAL_H_
