// Which rows a stream reads soon, so that the store has them in memory by then.
//
// An epoch is cut into windows (shuffle_order.h); a stream without shuffling has windows too, of a
// fixed size. While the batches of one window are read, the rows of the next one are requested,
// slice by slice:
//
//   epoch        |    window 0     |    window 1     |    window 2     |
//   batches       a   b   c   d     e   f   g   h
//   requested at
//     a                             |---|
//     b                                 |---|
//     e                                               |---|
#ifndef AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_
#define AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/streams/stream.h"

namespace augstore {

// Rows that name the segments to request with batch `step`; mostly not every row of a segment.
//  - Each batch requests its proportional slice of the next window (after the last window: of the
//    next epoch's first), counted over all ranks. With `first`, the current window is requested as
//    well.
//  - Nothing is requested where two windows do not fit into `memory_budget` bytes.
//  - A shuffle over everything reads its next rows anywhere. It requests all rows once, with
//    `first`, if they fit.
// REQUIRES: step < steps.
std::vector<RowId> RowsAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first,
                             uint64_t memory_budget);

// Requests those rows from the store (Store::ReadAheadOf), and their feature maps where the stream
// reads feature maps. `wanted`: requests are dropped once it has expired.
void AskAhead(const Stream& stream, uint64_t epoch, uint64_t step, bool first, Store& store,
              const std::weak_ptr<const void>& wanted);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_STREAM_AHEAD_H_
