// The part that engines with packed weights share: a network is packed once in the process for each
// kernel, and rows go through it in blocks.
//
// `Packed` is one layer with its weights in the order that a `Kernel` wants, immutable:
//   Packed(const Layer&, const Kernel&)
//   const LayerShape& shape() const
//   void Apply(rows, source, stack_input, target, Packed::Scratch*) const
// Apply takes at most kBlockRows rows; `stack_input` is what a residual layer adds; target overlaps
// neither. Packed::Scratch is memory of one engine for all its layers.
#ifndef AUGSTORE_ENGINE_KERNELS_PACKED_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_PACKED_ENGINE_H_

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/kernels/engine.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {

// Rows that go through all layers before the next block: few enough that the values between two
// layers stay in the second cache. A multiple of every kernel's tile.
inline constexpr size_t kBlockRows = 96;

template <class Packed, class Kernel>
struct PackedNetwork {
  PackedNetwork(const Layers& source, const Kernel& kernel) {
    layers.reserve(source.layers.size());
    for (const Layer& layer : source.layers) layers.emplace_back(layer, kernel);
    for (size_t i = 0; i + 1 < layers.size(); ++i)
      width = std::max<size_t>(width, layers[i].shape().out);
  }
  std::vector<Packed> layers;
  size_t width = 0;  // of the widest layer that is not the last
};

// Packs each network once in the process for each kernel. The packed weights of a network that has
// been freed are freed when the next network is packed. Thread-safe.
template <class Packed, class Kernel>
class PackedNetworks {
 public:
  using Value = PackedNetwork<Packed, Kernel>;

  static PackedNetworks& Instance() {
    static PackedNetworks* instance = new PackedNetworks;
    return *instance;
  }

  // Throws std::bad_alloc.
  std::shared_ptr<const Value> Get(const NetworkPtr& network, const Kernel& kernel) {
    const std::shared_ptr<Entry> entry = Find(network, kernel);
    std::call_once(entry->once,
                   [&] { entry->packed = std::make_shared<const Value>(network->layers, kernel); });
    return entry->packed;
  }

 private:
  struct Entry {
    std::weak_ptr<const Network> network;
    std::once_flag once;
    std::shared_ptr<const Value> packed;
  };
  using Key = std::pair<uint64_t, const Kernel*>;  // Network::id

  std::shared_ptr<Entry> Find(const NetworkPtr& network, const Kernel& kernel) {
    const MutexLock lock(mutex_);
    const Key key{network->id, &kernel};
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second;
    std::erase_if(entries_, [](const auto& item) { return item.second->network.expired(); });
    auto entry = std::make_shared<Entry>();
    entry->network = network;
    entries_.emplace(key, entry);
    return entry;
  }

  Mutex mutex_;
  std::map<Key, std::shared_ptr<Entry>> entries_ AUGSTORE_GUARDED_BY(mutex_);
};

template <class Packed, class Kernel>
class PackedEngine : public Engine {
 public:
  explicit PackedEngine(const Kernel& kernel) : kernel_(kernel) {}
  std::string_view name() const override { return kernel_.name; }

  Status Apply(const NetworkPtr& network, ConstMatrixView in, MatrixView out) override {
    AUGSTORE_TRY(CheckShapes(network->layers, in, out));
    if (in.rows == 0) return OkStatus();
    try {
      const auto packed = PackedNetworks<Packed, Kernel>::Instance().Get(network, kernel_);
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
  void ApplyBlock(const PackedNetwork<Packed, Kernel>& packed, size_t rows, const float* in,
                  float* out) {
    const float* source = in;
    for (size_t i = 0; i < packed.layers.size(); ++i) {
      const bool last = i + 1 == packed.layers.size();
      float* target = last ? out : Between(i % 2, kBlockRows * packed.width);
      packed.layers[i].Apply(rows, source, in, target, &scratch_);
      source = target;
    }
  }

  float* Between(size_t which, size_t count) {
    Matrix& buffer = between_.at(which);
    if (buffer.cols() < count) buffer = Matrix(1, count);
    return buffer.data();
  }

  const Kernel& kernel_;
  typename Packed::Scratch scratch_;
  std::array<Matrix, 2> between_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_PACKED_ENGINE_H_
