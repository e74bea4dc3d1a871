// Stored rows through a chain of transforms.
#ifndef AUGSTORE_ENGINE_STREAMS_CHAIN_ROWS_H_
#define AUGSTORE_ENGINE_STREAMS_CHAIN_ROWS_H_

#include <span>

#include "engine/streams/batch_times.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/cancellation.h"
#include "storage/store/store.h"

namespace augstore {

struct ChainRows {
  SpaceId space = 0;
  std::span<const RowId> rows;
  RowKeys keys;  // of each row
};

// out.row(i) = what the chain makes of row i. The rows go through in blocks, so that memory is that
// of a block, and `cancellation` is asked between blocks of some 50 ms. The bytes do not depend on
// the blocks. REQUIRES: as many keys and rows of `out` as rows. Errors: those of Store::ReadRows,
// Store::ReadFeatureMaps and ApplyChain, and of Cancellation::Check; kFailedPrecondition (the chain
// makes NaN or infinity of a row). Where a chain takes few multiply-adds, only some rows are looked
// at for that. Adds to `times`, unless it is null.
Status ReadThroughChain(Store& store, Engine& engine, std::span<const TransformStep> chain,
                        const ChainRows& rows, const Cancellation& cancellation, MatrixView out,
                        BatchTimes* times = nullptr);

// Rows of one block: few when a row takes long, or has a large feature map.
size_t ChainBlockRows(std::span<const TransformStep> chain);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_CHAIN_ROWS_H_
