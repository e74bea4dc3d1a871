// Rows, and who keeps them from being given back.
#include <algorithm>

#include "storage/catalog/catalog.h"
#include "storage/catalog/garbage_run.h"
#include "storage/store/row_leases.h"

namespace augstore {
namespace {

void Keep(RowLeases* leases, GarbageRun* run, SpaceId space, std::span<const RowId> rows) {
  for (const uint64_t segment : leases->Take(space, rows)) {
    if (run != nullptr) run->Keep(space, segment);
  }
}

}  // namespace

Status Catalog::FindImages(SpaceId space, std::span<const ContentHash> images,
                           std::span<RowId> rows) {
  { const MutexLock turn(garbage_turn_); }
  const ReaderLock lock(garbage_mutex_);
  AUGSTORE_TRY(store_->FindImages(space, images, rows));
  Keep(leases_.get(), garbage_run_.get(), space, rows);
  return OkStatus();
}

Status Catalog::AppendRows(SpaceId space, const NewRows& fresh, std::span<RowId> rows) {
  { const MutexLock turn(garbage_turn_); }
  const ReaderLock lock(garbage_mutex_);
  if (erased_.has_value() && std::chrono::steady_clock::now() < erased_until_) {
    const ContentHash erased = *erased_;
    const auto has = [&](const auto& hashes) {
      return std::ranges::find(hashes, erased) != hashes.end();
    };
    if (has(fresh.images) || has(fresh.sources)) {
      return FailedPrecondition("image {} is being erased: leave it out, or append it afterwards",
                                erased.Hex());
    }
  }
  AUGSTORE_TRY(store_->AppendRows(space, fresh.images, fresh.embeddings, rows, fresh.feature_maps,
                                  fresh.sources));
  Keep(leases_.get(), garbage_run_.get(), space, rows);
  if (fresh.sources.empty()) return OkStatus();
  std::vector<RowId> sources(fresh.sources.size(), kNoRow);
  AUGSTORE_TRY(store_->FindImages(space, fresh.sources, sources));
  Keep(leases_.get(), garbage_run_.get(), space, sources);
  return OkStatus();
}

}  // namespace augstore
