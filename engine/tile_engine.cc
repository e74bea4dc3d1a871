#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/tile_product.h"

namespace augstore {
namespace {

// Rows that go through all layers before the next: what stands between two layers stays in the
// second cache. A multiple of every kernel's tile.
constexpr size_t kBlockRows = 96;
// Inner elements of a panel at most: 32 KiB of it on AVX2.
constexpr size_t kMostDepth = 512;

// One layer with its weights in the order that the kernel wants. Immutable.
class PackedLayer {
 public:
  PackedLayer(const Layer& layer, const TileKernel& kernel) : shape_(layer.shape), kernel_(kernel) {
    if (shape_.kind == LayerKind::kDiagonal) {
      diagonal_ = layer;
      return;
    }
    const size_t blocks = (shape_.in + kMostDepth - 1) / kMostDepth;
    block_ = (shape_.in + blocks - 1) / blocks;
    const size_t padded = (shape_.out + kernel.panel - 1) / kernel.panel * kernel.panel;
    bias_ = Matrix(1, padded);
    std::fill_n(bias_.data(), padded, 0.0f);
    std::copy(layer.bias.begin(), layer.bias.end(), bias_.data());
    weights_ = Matrix(shape_.in, padded);
    float* next = weights_.data();
    for (size_t begin = 0; begin < shape_.in; begin += block_) {
      const size_t end = std::min<size_t>(shape_.in, begin + block_);
      for (size_t col = 0; col < padded; col += kernel.panel) {
        next = PackPanel(layer, begin, end, col, next);
      }
    }
  }

  const LayerShape& shape() const { return shape_; }

  // `stack_input` is what a residual layer adds. target must not overlap them.
  void Apply(size_t rows, const float* source, const float* stack_input, float* target) const {
    if (shape_.kind == LayerKind::kDiagonal) {
      return ApplyDiagonal(rows, source, stack_input, target);
    }
    kernel_.run({source, weights_.data(), bias_.data(), shape_.residual ? stack_input : nullptr,
                 target, rows, shape_.in, shape_.out, block_,
                 shape_.activation == Activation::kRelu});
  }

 private:
  float* PackPanel(const Layer& layer, size_t begin, size_t end, size_t col, float* next) const {
    for (size_t i = begin; i < end; ++i) {
      for (size_t o = col; o < col + kernel_.panel; ++o) {
        *next++ = o < shape_.out ? layer.weight[o * shape_.in + i] : 0.0f;
      }
    }
    return next;
  }

  // A diagonal layer needs no product: it is bound by memory.
  void ApplyDiagonal(size_t rows, const float* source, const float* stack_input,
                     float* target) const {
    const size_t cols = shape_.out;
    const bool relu = shape_.activation == Activation::kRelu;
    for (size_t row = 0; row < rows; ++row) {
      for (size_t c = 0; c < cols; ++c) {
        const size_t i = row * cols + c;
        float value = diagonal_.weight[c] * source[i] + diagonal_.bias[c];
        if (shape_.residual) value += stack_input[i];
        target[i] = relu && value < 0 ? 0 : value;
      }
    }
  }

  const LayerShape shape_;
  const TileKernel& kernel_;
  Layer diagonal_;  // of a diagonal layer, which has nothing below
  size_t block_ = 0;
  Matrix weights_;
  Matrix bias_;
};

// A network with packed weights.
struct PackedNetwork {
  PackedNetwork(const Layers& source, const TileKernel& kernel) {
    layers.reserve(source.layers.size());
    for (const Layer& layer : source.layers) layers.emplace_back(layer, kernel);
    for (size_t i = 0; i + 1 < layers.size(); ++i)
      width = std::max<size_t>(width, layers[i].shape().out);
  }
  std::vector<PackedLayer> layers;
  size_t width = 0;  // of the widest layer that is not the last
};

// Packs each network once in the process for each kernel, and forgets it when another is packed
// after the network has gone.
class PackedNetworks {
 public:
  static PackedNetworks& Instance() {
    static PackedNetworks* instance = new PackedNetworks;
    return *instance;
  }

  // Throws std::bad_alloc.
  std::shared_ptr<const PackedNetwork> Get(const NetworkPtr& network, const TileKernel& kernel) {
    const std::shared_ptr<Entry> entry = Find(network, kernel);
    std::call_once(entry->once, [&] {
      entry->packed = std::make_shared<const PackedNetwork>(network->layers, kernel);
    });
    return entry->packed;
  }

 private:
  struct Entry {
    std::weak_ptr<const Network> network;
    std::once_flag once;
    std::shared_ptr<const PackedNetwork> packed;
  };
  using Key = std::pair<uint64_t, const TileKernel*>;  // Network::id

  std::shared_ptr<Entry> Find(const NetworkPtr& network, const TileKernel& kernel) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Key key{network->id, &kernel};
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second;
    std::erase_if(entries_, [](const auto& item) { return item.second->network.expired(); });
    const auto entry = std::make_shared<Entry>();
    entry->network = network;
    entries_.emplace(key, entry);
    return entry;
  }

  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Entry>> entries_;  // guarded by mutex_
};

class TileEngine : public Engine {
 public:
  explicit TileEngine(const TileKernel& kernel) : kernel_(kernel) {}
  std::string_view name() const override { return kernel_.name; }

  Status Apply(const NetworkPtr& network, ConstMatrixView in, MatrixView out) override {
    AUGSTORE_TRY(CheckShapes(network->layers, in, out));
    if (in.rows == 0) return OkStatus();
    try {
      const auto packed = PackedNetworks::Instance().Get(network, kernel_);
      for (size_t begin = 0; begin < in.rows; begin += kBlockRows) {
        const size_t rows = std::min(kBlockRows, in.rows - begin);
        ApplyBlock(*packed, rows, in.data + begin * in.cols, out.data + begin * out.cols);
      }
    } catch (const std::bad_alloc&) {
      return ResourceExhausted(
          "no memory for {} rows of a network from {} to {} columns: use fewer workers", in.rows,
          in.cols, out.cols);
    }
    return OkStatus();
  }

 private:
  void ApplyBlock(const PackedNetwork& packed, size_t rows, const float* in, float* out) {
    const float* source = in;
    for (size_t i = 0; i < packed.layers.size(); ++i) {
      const bool last = i + 1 == packed.layers.size();
      float* target = last ? out : Between(i % 2, kBlockRows * packed.width);
      packed.layers[i].Apply(rows, source, in, target);
      source = target;
    }
  }

  float* Between(size_t which, size_t count) {
    Matrix& buffer = between_.at(which);
    if (buffer.cols() < count) buffer = Matrix(1, count);
    return buffer.data();
  }

  const TileKernel& kernel_;
  std::array<Matrix, 2> between_;
};

}  // namespace

std::vector<const TileKernel*> SupportedTiles() {
  std::vector<const TileKernel*> kernels = {&kPortableTiles};
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2) kernels.push_back(&kAvx2Tiles);
  if (avx2 && __builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512Tiles);
#endif
  return kernels;
}

std::unique_ptr<Engine> NewTileEngine(const TileKernel& kernel) {
  return std::make_unique<TileEngine>(kernel);
}

std::unique_ptr<Engine> NewTileEngine() { return NewTileEngine(*SupportedTiles().back()); }

}  // namespace augstore
