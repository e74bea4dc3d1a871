// What a draft changes of the version that it starts from. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_DRAFT_CHANGES_H_
#define AUGSTORE_STORAGE_CATALOG_DRAFT_CHANGES_H_

#include "schemas/records/drafts.h"
#include "storage/catalog/collection_draft.h"

namespace augstore {

// Reads every sample of the base. Memory: some 100 bytes for each sample of the draft. Errors:
// those of ReadChunk.
Result<DraftChanges> CompareWithBase(Store* store, const CollectionDraft& draft)
    AUGSTORE_REQUIRES(draft.mutex);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_DRAFT_CHANGES_H_
