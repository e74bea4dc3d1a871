#include "schemas/wire/batch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

bool SameBytes(ConstMatrixView a, ConstMatrixView b) {
  const size_t bytes = a.rows * a.cols * sizeof(float);
  return a.rows == b.rows && a.cols == b.cols &&
         (bytes == 0 || std::memcmp(a.data, b.data, bytes) == 0);
}

// The batch with its values as they are, in f32.
Result<SharedBytes> Write(const Batch& batch) {
  BatchWriter writer(batch.size(), batch.embeddings.cols);
  std::copy_n(batch.embeddings.data, batch.size() * batch.embeddings.cols,
              writer.embeddings().data);
  std::copy(batch.samples.begin(), batch.samples.end(), writer.samples().begin());
  std::copy(batch.labels.begin(), batch.labels.end(), writer.labels().begin());
  std::copy(batch.chains.begin(), batch.chains.end(), writer.chains().begin());
  return writer.Finish(batch.epoch, batch.step);
}

}  // namespace

// The input is a whole frame, of which the header does not count.
void Fuzz_batch(Bytes input) {
  if (input.size() < kFrameHeaderBytes) return;
  const std::string body(Text(input.subspan(kFrameHeaderBytes)));
  const Result<Batch> batch = BatchFromFrame(BatchFrame(SharedBytes::FromString(body), 1));
  if (!batch.ok()) return;
  AUGSTORE_CHECK(batch->size() == batch->labels.size() && batch->size() == batch->chains.size());
  AUGSTORE_CHECK(batch->size() == batch->embeddings.rows);
  if (batch->size() == 0) return;
  const Result<SharedBytes> written = Write(*batch);
  AUGSTORE_CHECK(written.ok());
  const Result<Batch> again = BatchFromFrame(BatchFrame(*written, 1));
  AUGSTORE_CHECK(again.ok() && again->epoch == batch->epoch && again->step == batch->step);
  AUGSTORE_CHECK(std::ranges::equal(again->samples, batch->samples));
  AUGSTORE_CHECK(std::ranges::equal(again->labels, batch->labels));
  AUGSTORE_CHECK(std::ranges::equal(again->chains, batch->chains));
  AUGSTORE_CHECK(SameBytes(again->embeddings, batch->embeddings));
}

}  // namespace augstore::fuzz
