// Which rows a stream reads soon, so that the store has them in memory by then.
#ifndef AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_
#define AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/streams/stream.h"

namespace augstore {

// Rows that name the segments which come after batch `step`. A stream in windows, or in order,
// asks with each batch for that share of the next window which the batch is of its own (over all
// ranks), of the first window of the next epoch after the last; with `first`, for its own window
// before. Nothing is asked for where two windows do not fit `memory_budget` bytes, nor by a shuffle
// over everything, whose next rows are anywhere; that asks once, with `first`, for all rows where
// they fit. REQUIRES: step < steps.
std::vector<RowId> RowsAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first,
                             uint64_t memory_budget);

// Asks the store for them (Store::ReadAheadOf), and for their feature maps where the stream reads
// those. `wanted`: as long as it lives, the stream goes on.
void AskAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first, Store& store,
              const std::weak_ptr<const void>& wanted);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_
