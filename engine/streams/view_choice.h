// Which stored views a chain begins with.
#ifndef AUGSTORE_ENGINE_STREAMS_VIEW_CHOICE_H_
#define AUGSTORE_ENGINE_STREAMS_VIEW_CHOICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/streams/stream.h"

namespace augstore {

// What ChainRef::view names, with its law as view sets have it. Errors: kInvalidArgument (no law).
Result<std::optional<std::string>> CanonicalView(const std::optional<std::string>& view);

// The numbers of the views, among all of a sample, that a canonical `view` means. None for an
// absent one. Errors: kFailedPrecondition (the collection has no such views: says which it has).
Result<ViewNumbers> ViewsOf(const Versioned<CollectionRecord>& collection,
                            const std::optional<std::string>& view);

// Those that any chain of the stream begins with, ascending.
ViewNumbers ViewsOf(const Stream& stream);
// Whether the table has the rows of all that the stream may begin with.
bool HasViewsOf(const SampleTable& table, const Stream& stream);

// Errors: kFailedPrecondition (some samples of the table, which is of `split`, lack some of
// `views`), those of `cancellation`.
Status CheckHasViews(const SampleTable& table, const ViewNumbers& views, const std::string& split,
                     const Cancellation& cancellation);

// The row of entry `i` of the table: of the image itself, or of one of `views`, drawn for the
// sample by (seed, epoch, sample).
RowId DrawRow(const SampleTable& table, const ViewNumbers& views, uint64_t seed, uint64_t epoch,
              size_t i);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_VIEW_CHOICE_H_
