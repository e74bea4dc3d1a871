#include "engine/heads/head_statistics.h"

#include <algorithm>
#include <utility>

#include "engine/math/compute_threads.h"
#include "engine/math/counter_rng.h"
#include "engine/math/onednn_gemm.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr size_t kBlockRows = 1024;  // of one product in float, before it is added in double
constexpr size_t kKeptRows = 2048;
constexpr size_t kTileWidth = 128;  // of the parts that the threads share out
constexpr double kHeldOut = 0.2;
constexpr uint32_t kMaxMomentsDim = 8192;  // 512 MiB for each of the two matrices

Moments NoMoments(size_t dim, size_t classes) {
  return {std::vector<double>(classes), std::vector<double>(classes * dim),
          std::vector<double>(dim * dim)};
}

}  // namespace

Result<std::unique_ptr<HeadStatistics>> HeadStatistics::Create(uint32_t dim, uint32_t classes,
                                                               uint64_t seed) {
  if (dim == 0 || dim > kMaxMomentsDim) {
    return InvalidArgument(
        "embeddings of dimension {}: heads in closed form take 1 .. {}, `head train` takes more",
        dim, kMaxMomentsDim);
  }
  const uint64_t weights = (uint64_t{dim} + 1) * classes;
  if (classes == 0 || weights * sizeof(float) > kMaxWeightsBytes) {
    return InvalidArgument("{} classes on {} dimensions: give 1 .. {}", classes, dim,
                           kMaxWeightsBytes / sizeof(float) / (uint64_t{dim} + 1));
  }
  return std::unique_ptr<HeadStatistics>(new HeadStatistics(dim, classes, seed));
}

HeadStatistics::HeadStatistics(uint32_t dim, uint32_t classes, uint64_t seed)
    : dim_(dim),
      classes_(classes),
      seed_(seed),
      pool_(ComputeThreads()),
      training_(NoMoments(dim, classes)),
      held_out_(NoMoments(dim, classes)),
      block_(kBlockRows, dim),
      shifted_(kBlockRows, dim),
      kept_(kKeptRows, dim),
      scratch_(pool_.threads(), std::vector<float>(kTileWidth * kTileWidth)) {}

Status HeadStatistics::Check(ConstMatrixView embeddings, std::span<const SampleId> samples,
                             std::span<const int32_t> labels) const {
  if (embeddings.cols != dim_) {
    return InvalidArgument("embeddings have {} columns, the heads take {}: use the heads' backbone",
                           embeddings.cols, dim_);
  }
  if (embeddings.rows != labels.size() || embeddings.rows != samples.size()) {
    return InvalidArgument("{} embeddings come with {} labels and {} sample ids: give one of each",
                           embeddings.rows, labels.size(), samples.size());
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= -1 && labels[i] < static_cast<int64_t>(classes_)) continue;
    return InvalidArgument("row {} has the label {}: the heads know 0 .. {}, and -1 for none", i,
                           labels[i], classes_ - 1);
  }
  return OkStatus();
}

Status HeadStatistics::Add(ConstMatrixView embeddings, std::span<const SampleId> samples,
                           std::span<const int32_t> labels) {
  AUGSTORE_TRY(Check(embeddings, samples, labels));
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    std::ranges::copy(embeddings.row(i), block_.row(labels_.size()).begin());
    labels_.push_back(labels[i]);
    is_held_out_.push_back(IsHeldOut(samples[i]));
    if (labels_.size() == kBlockRows) FlushBlock();
  }
  return OkStatus();
}

void HeadStatistics::Finish() {
  if (!labels_.empty()) FlushBlock();
}

bool HeadStatistics::IsHeldOut(SampleId sample) const {
  return PhiloxUniform(seed_, RngUse::kSplit, sample, 0) < kHeldOut;
}

void HeadStatistics::FlushBlock() {
  if (pivot_.empty()) SetPivot();
  size_t training = 0;       // fill shifted_ from its top
  size_t held = kBlockRows;  // and from its end
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (!is_held_out_[i]) {
      Shift(i, training++, &training_);
      continue;
    }
    Shift(i, --held, &held_out_);
    if (kept_labels_.size() == kKeptRows) continue;
    std::ranges::copy(shifted_.row(held), kept_.row(kept_labels_.size()).begin());
    kept_labels_.push_back(labels_[i]);
  }
  const ConstMatrixView rows = shifted_.view();
  AddGram(rows.Slice(0, training), &training_);
  AddGram(rows.Slice(held, kBlockRows - held), &held_out_);
  labels_.clear();
  is_held_out_.clear();
}

void HeadStatistics::SetPivot() {
  std::vector<double> mean(dim_);
  for (size_t i = 0; i < labels_.size(); ++i) {
    const float* row = block_.row(i).data();
    for (size_t j = 0; j < dim_; ++j) mean[j] += row[j];
  }
  for (const double sum : mean) {
    pivot_.push_back(static_cast<float>(sum / static_cast<double>(labels_.size())));
  }
}

void HeadStatistics::Shift(size_t i, size_t to, Moments* moments) {
  const auto label = static_cast<size_t>(labels_[i]);
  const float* from = block_.row(i).data();
  float* x = shifted_.row(to).data();
  double* sum = moments->sums.data() + label * dim_;
  for (size_t j = 0; j < dim_; ++j) {
    x[j] = from[j] - pivot_[j];
    sum[j] += x[j];
  }
  moments->counts[label] += 1;
}

void HeadStatistics::AddGram(ConstMatrixView rows, Moments* moments) {
  if (rows.rows == 0) return;
  const size_t tiles = (dim_ + kTileWidth - 1) / kTileWidth;
  std::vector<std::pair<size_t, size_t>> parts;  // of the lower triangle
  for (size_t i = 0; i < tiles; ++i) {
    for (size_t j = 0; j <= i; ++j) parts.emplace_back(i * kTileWidth, j * kTileWidth);
  }
  pool_.Run(parts.size(), [&](size_t part, size_t thread) {
    const auto [top, left] = parts[part];
    const size_t height = std::min(kTileWidth, dim_ - top);
    const size_t width = std::min(kTileWidth, dim_ - left);
    float* product = scratch_[thread].data();
    Gemm(true, false, static_cast<int64_t>(height), static_cast<int64_t>(width),
         static_cast<int64_t>(rows.rows), rows.data + top, dim_, rows.data + left, dim_, 0, product,
         static_cast<int64_t>(width));
    for (size_t i = 0; i < height; ++i) {
      double* sum = moments->gram.data() + (top + i) * dim_ + left;
      for (size_t j = 0; j < width; ++j) sum[j] += product[i * width + j];
    }
  });
}

}  // namespace augstore
