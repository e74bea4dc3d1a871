// The statistics of a stream that heads in closed form are solved from: first and second moments of
// the embeddings, class by class, added up in one pass. The embeddings themselves are not kept,
// except for a few that are held out.
#ifndef AUGSTORE_ENGINE_HEADS_HEAD_STATISTICS_H_
#define AUGSTORE_ENGINE_HEADS_HEAD_STATISTICS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/math/worker_pool.h"
#include "schemas/base/types.h"

namespace augstore {

// Of some rows x = z - pivot. Double precision.
struct Moments {
  std::vector<double> counts;  // rows of each class
  std::vector<double> sums;    // Σ x of each class, classes x dim
  std::vector<double> gram;    // Σ x x', dim x dim, lower triangle
};

// A fifth of the samples, drawn by seed and sample id, is held out: its moments are separate, so
// that a head can be fitted to the rest and measured on it. All epochs of a sample are on one side.
//
// Memory: 2 dim² doubles and 4096 rows (2048 held out, 2 x 1024 at work), whatever is added.
// Deterministic: the same labelled rows in the same order give the same moments, bit for bit,
// however they are cut into batches and on any number of threads. Rows are shifted by the mean of
// the first ones before they are multiplied, so that a large mean costs no digits. Thread safety:
// none; runs on ComputeThreads() threads by itself.
class HeadStatistics {
 public:
  // Errors: kInvalidArgument (dim outside 1 .. 8192; no classes, or too many for one head).
  static Result<std::unique_ptr<HeadStatistics>> Create(uint32_t dim, uint32_t classes,
                                                        uint64_t seed);

  // Rows with label -1 are left out. Errors: kInvalidArgument (columns; counts that differ; a label
  // >= classes); nothing is added then.
  Status Add(ConstMatrixView embeddings, std::span<const SampleId> samples,
             std::span<const int32_t> labels);
  // Adds the rows of a block that is not full to the moments. Call after the last Add.
  void Finish();

  const Moments& training() const { return training_; }
  const Moments& held_out() const { return held_out_; }
  std::span<const float> pivot() const { return pivot_; }
  // The first held-out rows, at most 2048, minus the pivot.
  ConstMatrixView kept() const { return kept_.view().Slice(0, kept_labels_.size()); }
  std::span<const int32_t> kept_labels() const { return kept_labels_; }
  uint32_t dim() const { return dim_; }
  uint32_t classes() const { return classes_; }

 private:
  HeadStatistics(uint32_t dim, uint32_t classes, uint64_t seed);
  Status Check(ConstMatrixView embeddings, std::span<const SampleId> samples,
               std::span<const int32_t> labels) const;
  bool IsHeldOut(SampleId sample) const;
  void FlushBlock();
  void SetPivot();
  // Shifts row i of the block into row `to` of shifted_ and adds it to the class sums.
  void Shift(size_t i, size_t to, Moments* moments);
  void AddGram(ConstMatrixView rows, Moments* moments);

  const uint32_t dim_;
  const uint32_t classes_;
  const uint64_t seed_;
  WorkerPool pool_;
  Moments training_;
  Moments held_out_;
  std::vector<float> pivot_;  // empty before the first block
  Matrix block_;              // rows that wait for their product
  Matrix shifted_;
  std::vector<int32_t> labels_;  // of the block's rows
  std::vector<bool> is_held_out_;
  Matrix kept_;
  std::vector<int32_t> kept_labels_;
  std::vector<std::vector<float>> scratch_;  // [thread]
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_HEAD_STATISTICS_H_
