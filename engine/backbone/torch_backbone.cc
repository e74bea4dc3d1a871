#include "engine/backbone/torch_backbone.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>
#include <thread>

#include "engine/backbone/torch_module.h"
#include "engine/backbone/torch_multiply_adds.h"
#include "engine/backbone/torch_ways.h"
#include "engine/math/compute_threads.h"
#include "engine/math/onednn_gemm.h"
#include "engine/math/unit_length.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {
namespace {

constexpr uint32_t kTrialSides[] = {32, 64, 96, 128, 160, 224};

// Torch warns on standard error of what the author of a network may change, at every batch.
class NoWarnings : public c10::WarningHandler {
 public:
  void process(const c10::SourceLocation& /*where*/, const std::string& /*message*/,
               bool /*verbatim*/) override {}
};

// While it lives, Torch's operators run on the calling thread alone: which thread adds what would
// decide an embedding's last bit, and threads that wait for one another by spinning lose most of
// their speed when the machine has anything else to do. The executor's optimiser stays off, too: it
// changes the graph after the first runs.
class SingleThreaded {
 public:
  SingleThreaded() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~SingleThreaded() { at::set_num_threads(before_); }
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;

 private:
  const int before_;
  NoWarnings no_warnings_;
  const c10::Warning::WarningHandlerGuard quiet_{&no_warnings_};
  const c10::InferenceMode inference_;
  const torch::jit::GraphOptimizerEnabledGuard plain_executor_{false};
};

// The embedding's dimension; sets the input size when it is open. Sizes are tried in ascending
// order.
Result<uint32_t> FindDim(torch::jit::Module& module, BackboneOptions& options) {
  std::vector<std::pair<uint32_t, uint32_t>> sizes;
  if (options.input_height != 0) {
    sizes.emplace_back(options.input_height, options.input_width);
  } else {
    for (const uint32_t side : kTrialSides) sizes.emplace_back(side, side);
  }
  std::string reason;
  for (const auto& [height, width] : sizes) {
    try {
      const int64_t dim = Forward(module, PatternBatch({2, height, width})).z.size(1);
      if (dim > kMaxDim)
        return InvalidArgument("its embeddings have {} dimensions; the limit is {}", dim, kMaxDim);
      options.input_height = height;
      options.input_width = width;
      return static_cast<uint32_t>(dim);
    } catch (const std::exception& error) {
      reason = TorchReason(error);
    }
  }
  return InvalidArgument(
      "it does not map images of {} x {} (n x 3 x h x w, float32) to n x d: {}; give the input "
      "size, or another file",
      sizes.back().first, sizes.back().second, reason);
}

}  // namespace

struct Backbone::State {
  BackboneOptions options;
  Digest digest;
  torch::jit::Module module;
  uint32_t dim = 0;
  FeatureMapShape feature_map;
  uint64_t multiply_adds = 0;
  std::atomic<uint64_t> images_embedded = 0;
  float value_of[3][256] = {};  // Φ's input for each byte of each channel

  // Black images.
  at::Tensor Batch() const {
    return EmptyBatch(
        {options.way.batch, options.input_height, options.input_width, options.way.channels_last});
  }
  void Report(const std::string& what) const {
    if (options.report) options.report(what);
  }
  Status Load(const std::string& path);
  Status Prepare(const std::string& path);
  void FillTable();
  Status FindMap();
  // What Embed is asked for, or a part of it.
  struct Job {
    std::span<const Image> images;
    MatrixView out;
    MatrixView feature_maps;
    std::span<std::string> failures;
    Job Slice(size_t begin, size_t count) const {
      return {images.subspan(begin, count), out.Slice(begin, count),
              feature_maps.rows == 0 ? feature_maps : feature_maps.Slice(begin, count),
              failures.empty() ? failures : failures.subspan(begin, count)};
    }
  };
  // One batch, whose failure is that of all; its images are in the slots from `slot` on, and black
  // ones in the others. Throws what Torch throws.
  Status EmbedBatch(const Job& job, size_t slot);
  // The same with Torch's reason. Errors: as Embed.
  Status TryBatch(const Job& job, size_t slot);
  // The same for each image by itself, where failures may be named.
  Status TryEach(const Job& job);
  // Writes Φ's input for an image.
  void Fill(const Image& image, float* values) const;
  // Takes batches until none is left or one has failed.
  void Work(const Job& job);

  std::atomic<size_t> next_batch = 0;
  Mutex mutex;
  Status failure AUGSTORE_GUARDED_BY(mutex);
};

Status Backbone::State::Load(const std::string& path) {
  const SingleThreaded guard;
  std::string metadata;
  Report("loading");
  AUGSTORE_ASSIGN(module, LoadModule(path, &metadata));
  AUGSTORE_TRY(AddMetadata(metadata, options));
  AUGSTORE_TRY(CheckOptions(options));
  if (options.threads == 0) options.threads = HardwareThreads();
  AUGSTORE_ASSIGN(dim, FindDim(module, options));
  try {
    const at::Tensor one = EmptyBatch({1, options.input_height, options.input_width});
    multiply_adds = CountMultiplyAdds([&] { module.forward({one}); });
    AUGSTORE_TRY(Prepare(path));
    AUGSTORE_TRY(FindMap());
  } catch (const std::exception& error) {
    return InvalidArgument("it fails on images of {} x {}: {}", options.input_height,
                           options.input_width, TorchReason(error));
  }
  FillTable();
  return OkStatus();
}

// Replaces the module by the form of it that is run. Throws what Torch throws.
Status Backbone::State::Prepare(const std::string& path) {
  if (!options.way.empty()) {
    AUGSTORE_ASSIGN(module, LoadForm(path, options.way.form));
    return OkStatus();
  }
  AUGSTORE_ASSIGN(ChosenWay chosen, ChooseWay(path, options.input_height, options.input_width,
                                              [this](const std::string& what) { Report(what); }));
  options.way = chosen.way;
  options.normalised = options.normalised || chosen.unit_length;
  module = chosen.module;
  return OkStatus();
}

// The shape of the feature map, when the module returns one. Throws what Torch throws.
Status Backbone::State::FindMap() {
  Report("finding the feature map");
  const at::Tensor feature_maps = Forward(module, Batch()).feature_map;
  if (!feature_maps.defined()) return OkStatus();
  if (feature_maps.size(1) * feature_maps.size(2) > kMaxFeatureMapCells ||
      feature_maps.numel() / feature_maps.size(0) > kMaxDim) {
    return InvalidArgument(
        "its feature map is {} x {} x {}: at most {} cells and {} values are possible; pool it in "
        "the file, or return the embedding alone",
        feature_maps.size(1), feature_maps.size(2), feature_maps.size(3), kMaxFeatureMapCells,
        kMaxDim);
  }
  feature_map = {static_cast<uint32_t>(feature_maps.size(1)),
                 static_cast<uint32_t>(feature_maps.size(2)),
                 static_cast<uint32_t>(feature_maps.size(3))};
  return OkStatus();
}

namespace {

Status CopyFinite(const at::Tensor& from, size_t begin, size_t count, std::string_view what,
                  float* to) {
  const auto* const values = static_cast<const float*>(from.data_ptr()) + begin;
  if (!std::all_of(values, values + count, [](float v) { return std::isfinite(v); })) {
    return Internal("{} holds a NaN or an infinity; use a backbone that is finite on all images",
                    what);
  }
  std::copy(values, values + count, to);
  return OkStatus();
}

}  // namespace

void Backbone::State::FillTable() {
  for (size_t c = 0; c < 3; ++c) {
    const float mean = options.mean.empty() ? 0.0f : options.mean[c];
    const float stddev = options.stddev.empty() ? 1.0f : options.stddev[c];
    for (int v = 0; v < 256; ++v) {
      value_of[c][v] = (static_cast<float>(v) / 255.0f - mean) / stddev;
    }
  }
}

void Backbone::State::Fill(const Image& image, float* values) const {
  const size_t pixels = image.rgb.size() / 3;
  const size_t pixel_step = options.way.channels_last ? 3 : 1;
  const size_t channel_step = options.way.channels_last ? 1 : pixels;
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < 3; ++c) {
      values[p * pixel_step + c * channel_step] = value_of[c][image.rgb[3 * p + c]];
    }
  }
}

Status Backbone::State::EmbedBatch(const Job& job, size_t slot) {
  at::Tensor batch = Batch();
  auto* const values = static_cast<float*>(batch.data_ptr());
  const size_t image_values = static_cast<size_t>(batch.numel()) / options.way.batch;
  for (size_t i = 0; i < job.images.size(); ++i) {
    Fill(job.images[i], values + (slot + i) * image_values);
  }
  const BackboneOutput result = Forward(module, batch);
  if (static_cast<uint64_t>(result.z.size(1)) != dim) {
    return Internal("the backbone returned {} dimensions instead of {}", result.z.size(1), dim);
  }
  AUGSTORE_TRY(
      CopyFinite(result.z, slot * dim, job.images.size() * dim, "an embedding", job.out.data));
  for (size_t i = 0; options.normalised && i < job.images.size(); ++i) {
    if (!ScaleToUnitLength(job.out.row(i))) {
      return Internal("an embedding is all zeros, and cannot be scaled to length 1");
    }
  }
  if (job.feature_maps.rows == 0) return OkStatus();
  const uint64_t map_values = feature_map.values();
  if (!result.feature_map.defined() ||
      static_cast<uint64_t>(result.feature_map.numel()) != options.way.batch * map_values) {
    return Internal("the backbone returned no feature map of {}", feature_map.ToString());
  }
  return CopyFinite(result.feature_map, slot * map_values, job.images.size() * map_values,
                    "a feature map", job.feature_maps.data);
}

Status Backbone::State::TryBatch(const Job& job, size_t slot) {
  try {
    return EmbedBatch(job, slot);
  } catch (const std::exception& error) {
    const std::string reason = TorchReason(error);
    // What says nothing of the images.
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
        reason.find("DefaultCPUAllocator") != std::string::npos) {
      return ResourceExhausted("the backbone ran out of memory: {}", reason);
    }
    return Internal("the backbone failed: {}", reason);
  }
}

Status Backbone::State::TryEach(const Job& job) {
  for (size_t i = 0; i < job.images.size(); ++i) {
    const Status status = TryBatch(job.Slice(i, 1), i);
    if (status.code() == Code::kInternal) {
      job.failures[i] = status.message();
    } else {
      AUGSTORE_TRY(status);
    }
  }
  return OkStatus();
}

void Backbone::State::Work(const Job& job) {
  const SingleThreaded guard;
  const size_t batch = options.way.batch;
  while (true) {
    const size_t begin = next_batch.fetch_add(1) * batch;
    if (begin >= job.images.size()) return;
    const Job part = job.Slice(begin, std::min(batch, job.images.size() - begin));
    Status status = TryBatch(part, 0);
    // In its slot an embedding depends on its image alone, so the others of the batch are as they
    // would have been.
    if (status.code() == Code::kInternal && !job.failures.empty()) status = TryEach(part);
    if (status.ok()) continue;
    const MutexLock lock(mutex);
    failure = std::move(status);
    next_batch = job.images.size() / batch + 1;
    return;
  }
}

Backbone::Backbone(std::unique_ptr<State> state) : state_(std::move(state)) {}
Backbone::~Backbone() = default;

Result<std::unique_ptr<Backbone>> Backbone::Load(const std::string& path,
                                                 const BackboneOptions& options) {
  const auto context = fmt::format("backbone '{}'", path);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return InvalidArgument("{} is a folder; name a TorchScript file", context);
  }
  auto state = std::make_unique<State>();
  state->options = options;
  AUGSTORE_ASSIGN(state->digest, Sha256File(path));
  Status status = CheckOptions(options);
  if (status.ok()) status = state->Load(path);
  if (!status.ok()) return status.WithContext(context);
  return std::unique_ptr<Backbone>(new Backbone(std::move(state)));
}

const Digest& Backbone::digest() const { return state_->digest; }
uint32_t Backbone::dim() const { return state_->dim; }
const FeatureMapShape& Backbone::feature_map() const { return state_->feature_map; }
uint32_t Backbone::input_height() const { return state_->options.input_height; }
uint32_t Backbone::input_width() const { return state_->options.input_width; }
const std::vector<float>& Backbone::mean() const { return state_->options.mean; }
const std::vector<float>& Backbone::stddev() const { return state_->options.stddev; }
uint64_t Backbone::multiply_adds() const { return state_->multiply_adds; }
const BackboneWay& Backbone::way() const { return state_->options.way; }
bool Backbone::normalised() const { return state_->options.normalised; }
uint64_t Backbone::images_embedded() const { return state_->images_embedded; }

Status Backbone::Embed(std::span<const Image> images, MatrixView out, MatrixView feature_maps,
                       std::span<std::string> failures) {
  AUGSTORE_CHECK(failures.empty() || failures.size() == images.size());
  std::ranges::fill(failures, "");
  State& state = *state_;
  if (out.rows != images.size() || out.cols != state.dim) {
    return InvalidArgument("{} embeddings of {} dimensions do not fit into a {} x {} matrix",
                           images.size(), state.dim, out.rows, out.cols);
  }
  if (feature_maps.rows != 0 &&
      (feature_maps.rows != images.size() || feature_maps.cols != state.feature_map.values())) {
    return InvalidArgument("{} feature maps of {} do not fit into a {} x {} matrix", images.size(),
                           state.feature_map.ToString(), feature_maps.rows, feature_maps.cols);
  }
  const uint32_t width = state.options.input_width, height = state.options.input_height;
  for (size_t i = 0; i < images.size(); ++i) {
    const Image& image = images[i];
    if (image.width != width || image.height != height ||
        image.rgb.size() != size_t{width} * height * 3) {
      return InvalidArgument("image {} is {} x {}, but the backbone takes {} x {}: resize it", i,
                             image.width, image.height, width, height);
    }
  }
  const SingleThreaded guard;  // until all threads are done: they change the process's setting
  state.next_batch = 0;
  {
    const MutexLock lock(state.mutex);
    state.failure = OkStatus();
  }
  const State::Job job{images, out, feature_maps, failures};
  const size_t batch = state.options.way.batch;
  const size_t batches = (images.size() + batch - 1) / batch;
  const size_t helpers = std::min(batches, static_cast<size_t>(state.options.threads));
  std::vector<std::thread> threads;
  try {
    for (size_t i = 1; i < helpers; ++i) {
      threads.emplace_back([&state, &job] { state.Work(job); });
    }
  } catch (const std::system_error&) {
    // The system has no more threads: fewer do the work.
  }
  state.Work(job);
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(state.mutex);
  if (state.failure.ok()) state.images_embedded += images.size();
  return state.failure;
}

std::string LibraryVersions() {
  return fmt::format("LibTorch {}\n{}", TORCH_VERSION, OneDnnVersion());
}

}  // namespace augstore
