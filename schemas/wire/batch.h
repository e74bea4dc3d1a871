// Batches: the one message whose memory is written and read in place.
#ifndef AUGSTORE_SCHEMAS_WIRE_BATCH_H_
#define AUGSTORE_SCHEMAS_WIRE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "schemas/base/types.h"
#include "schemas/weights/dtype.h"
#include "schemas/wire/frame.h"

namespace augstore {

// A batch as its frame holds it: no copy; shares the frame's memory. Only embeddings that were sent
// in a dtype are decoded into memory of their own. Rows are grouped by chain, chains
// ascending.
struct Batch {
  uint64_t epoch = 0;
  uint64_t step = 0;
  std::span<const SampleId> samples;
  std::span<const int32_t> labels;
  std::span<const uint16_t> chains;  // index into StreamReply.chains
  ConstMatrixView embeddings;
  Dtype dtype = Dtype::kF32;            // in which the embeddings were sent
  SharedBytes memory;                   // the frame's; keeps the spans alive
  std::shared_ptr<const void> decoded;  // holds the embeddings that are not in the frame
  size_t size() const { return samples.size(); }
};

// Whether one frame can hold a batch of this shape. Errors: kInvalidArgument, naming the shape and
// the number of rows that is possible.
Status CheckBatchSize(size_t rows, size_t dim);

// A batch being built: the embeddings are written in place into the frame that will be sent.
class BatchWriter {
 public:
  // REQUIRES: CheckBatchSize(rows, dim) is ok.
  BatchWriter(size_t rows, size_t dim, Dtype dtype = Dtype::kF32);
  ~BatchWriter();
  BatchWriter(BatchWriter&&) noexcept;
  BatchWriter& operator=(BatchWriter&&) noexcept;

  // All four are uninitialised, and all of them must be written (embeddings: see TakeRows).
  MatrixView embeddings();  // rows x dim, at a multiple of kAlignment
  std::span<SampleId> samples();
  std::span<int32_t> labels();
  std::span<uint16_t> chains();
  // For a caller that has rows in the dtype already: where their bytes go, instead of into their
  // embeddings. REQUIRES: a dtype other than f32; no row twice.
  std::span<uint8_t> TakeRows(size_t begin, size_t count);
  // The frame's body. Once; the spans above are invalid afterwards. Errors: kInvalidArgument (a
  // row that does not fit the dtype, named).
  Result<SharedBytes> Finish(uint64_t epoch, uint64_t step);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A BatchWriter's bytes as a frame.
Frame BatchFrame(SharedBytes body, uint32_t request_id);

// The batch that a frame carries. Errors: as FromFrame.
Result<Batch> BatchFromFrame(const Frame& frame);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_BATCH_H_
