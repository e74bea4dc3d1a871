// Verify of the catalog: the store's own check, then every record with what it refers to. Internal
// to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_CATALOG_VERIFY_H_
#define AUGSTORE_STORAGE_CATALOG_CATALOG_VERIFY_H_

#include <map>
#include <memory>
#include <string>

#include "schemas/base/cancellation.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/records/records.h"

namespace augstore {

class Catalog;
class VerifyRun;

// Thread safety: all methods may be called from any thread.
class CatalogVerifier {
 public:
  // `catalog` must outlive the verifier.
  explicit CatalogVerifier(Catalog* catalog);
  ~CatalogVerifier();

  // As Catalog::Verify. The cursor is one of
  //   "store <items> <the store's cursor>" · "catalog <total> <run> <position>"
  // A run is kept in memory between its steps, because a digest in the making is no text. A run
  // that is not known (a restart), or whose position differs (a reply was lost), starts the records
  // from the beginning.
  Result<VerifyStep> Verify(const std::string& cursor, const Cancellation& cancellation);

 private:
  Result<VerifyStep> VerifyStore(uint64_t items, const std::string& cursor,
                                 const Cancellation& cancellation);
  Result<VerifyStep> VerifyRecords(uint64_t total, uint64_t run, uint64_t position,
                                   const Cancellation& cancellation);
  std::shared_ptr<VerifyRun> Find(uint64_t run);
  // Puts a new run in the place of `run`, which becomes its number.
  Result<std::shared_ptr<VerifyRun>> Begin(uint64_t* run);
  void Forget(uint64_t run);

  Catalog* catalog_;
  Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<VerifyRun>> runs_ AUGSTORE_GUARDED_BY(mutex_);
  uint64_t last_run_ AUGSTORE_GUARDED_BY(mutex_) = 0;  // 0 is the number of no run
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_CATALOG_VERIFY_H_
