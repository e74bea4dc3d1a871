// The batch as a pure function of (stream, epoch, step).
#ifndef AUGSTORE_ENGINE_STREAMS_STREAM_BATCH_H_
#define AUGSTORE_ENGINE_STREAMS_STREAM_BATCH_H_

#include <cstdint>

#include "engine/streams/batch_times.h"
#include "engine/streams/stream.h"
#include "schemas/base/cancellation.h"

namespace augstore {

// Batch number `step` of this rank in `epoch`: global batch step * world_size + rank, positions
// [batch * batch_size, …) of the epoch's order. The chain of a sample is drawn from (seed, epoch,
// sample id). Within a batch, rows are ordered by chain index, then by position. A batch
// depends on nothing else. The body is what BatchFrame takes. Adds to `times`, unless it is null.
// Errors: kInvalidArgument (step >= steps), and as ReadThroughChain.
Result<SharedBytes> BuildBatch(const Stream& stream, uint64_t epoch, uint64_t step, Store& store,
                               Engine& engine, const Cancellation& cancellation = {},
                               BatchTimes* times = nullptr);

// The chain index that `sample` gets in `epoch`. The parameters and errors of its steps are
// drawn with the same seed, epoch and sample: see ApplyChain.
uint16_t DrawChain(const Stream& stream, uint64_t epoch, SampleId sample);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_STREAM_BATCH_H_
