// Why rows come out bit for bit the same whatever stands beside them: oneDNN's AVX-512 kernels
// ("brg") add up every element in one order at any number of rows. Its older ones ("gemm") change
// that order in a rest of fewer than 3, 4 or 6 rows, and again from some number of rows on that
// depends on the layer. So rows are padded with zeros to whole tiles: small ones and many at once
// on "brg", larger ones and one at a time on all others. The contract suite runs on both.
#include <dnnl.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/onednn_gemm.h"

namespace augstore {
namespace {

using dnnl::memory;

// On "brg": little padding, and no more than 24 primitives for each layer. 192 rows keep their
// activations in the second-level cache.
constexpr size_t kTileRows = 8;
constexpr size_t kBlockRows = 192;
// On all others: a multiple of 3, 4 and 6.
constexpr size_t kLoneTileRows = 24;

const dnnl::engine& Cpu() {
  static const dnnl::engine* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

memory::desc RowMajor(size_t rows, size_t cols) {
  return {{static_cast<memory::dim>(rows), static_cast<memory::dim>(cols)},
          memory::data_type::f32,
          memory::format_tag::ab};
}

memory Wrap(const memory::desc& desc, const float* data) {
  return memory(desc, Cpu(), const_cast<float*>(data));
}

// oneDNN sizes its work by the calling thread's OpenMP team, when it makes a primitive and when it
// runs it.
class OneThread {
 public:
  OneThread() : before_(ComputeThreads()) { SetComputeThreads(1); }
  ~OneThread() { SetComputeThreads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

struct Product {
  dnnl::matmul matmul;
  memory::desc scratchpad;
};

// One layer with its weights in the order that the kernel wants. Thread-safe after construction.
class PackedLayer {
 public:
  explicit PackedLayer(const Layer& layer) : shape_(layer.shape) {
    if (shape_.kind == LayerKind::kDiagonal) {
      diagonal_ = layer;
      any_rows_ = true;
      return;
    }
    const auto first = Describe(
        kLoneTileRows,
        memory::desc({shape_.in, shape_.out}, memory::data_type::f32, memory::format_tag::any));
    weights_ = memory(first.weights_desc(), Cpu());
    bias_ = memory(RowMajor(1, shape_.out), Cpu());
    memory plain({{shape_.in, shape_.out}, memory::data_type::f32, memory::format_tag::ba}, Cpu(),
                 const_cast<float*>(layer.weight.data()));
    dnnl::stream stream(Cpu());
    dnnl::reorder(plain, weights_).execute(stream, plain, weights_);
    stream.wait();
    std::memcpy(bias_.get_data_handle(), layer.bias.data(), layer.bias.size() * sizeof(float));
    products_[kLoneTileRows] = {dnnl::matmul(first), first.scratchpad_desc()};
    any_rows_ = IsBrg(first) && IsBrg(Describe(kTileRows, weights_.get_desc())) &&
                IsBrg(Describe(kBlockRows, weights_.get_desc()));
  }

  const LayerShape& shape() const { return shape_; }
  bool any_rows() const { return any_rows_; }
  const memory& weights() const { return weights_; }
  const memory& bias() const { return bias_; }

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

  // Primitives are immutable: a copy shares.
  Product ForRows(size_t rows) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Product& product = products_[rows];
    if (!product.matmul) {
      const auto description = Describe(rows, weights_.get_desc());
      product = {dnnl::matmul(description), description.scratchpad_desc()};
    }
    return product;
  }

 private:
  static bool IsBrg(const dnnl::matmul::primitive_desc& description) {
    return std::string_view(description.impl_info_str()).substr(0, 4) == "brg:";
  }

  dnnl::matmul::primitive_desc Describe(size_t rows, const memory::desc& weights) const {
    dnnl::post_ops after;
    if (shape_.residual)
      after.append_binary(dnnl::algorithm::binary_add, RowMajor(rows, shape_.out));
    if (shape_.activation == Activation::kRelu) {
      after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    }
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::matmul::desc product(RowMajor(rows, shape_.in), weights, RowMajor(1, shape_.out),
                                     RowMajor(rows, shape_.out));
    return {product, attributes, Cpu()};
  }

  const LayerShape shape_;
  Layer diagonal_;  // of a diagonal layer, which has nothing below
  memory weights_;
  memory bias_;
  bool any_rows_ = false;
  std::mutex mutex_;
  std::unordered_map<size_t, Product> products_;  // by rows; guarded by mutex_
};

// A network with packed weights.
struct PackedNetwork {
  explicit PackedNetwork(const Layers& source) {
    bool any_rows = true;
    for (const Layer& layer : source.layers) {
      layers.push_back(std::make_unique<PackedLayer>(layer));
      any_rows = any_rows && layers.back()->any_rows();
    }
    tile_rows = any_rows ? kTileRows : kLoneTileRows;
    block_rows = any_rows ? kBlockRows : kLoneTileRows;
    for (size_t i = 0; i + 1 < layers.size(); ++i)
      width = std::max<size_t>(width, layers[i]->shape().out);
  }
  std::vector<std::unique_ptr<PackedLayer>> layers;
  size_t tile_rows = 0;
  size_t block_rows = 0;  // most rows of one execution
  size_t width = 0;       // of the widest layer that is not the last
};

// Packs each network once in the process, and forgets it after the network.
class PackedNetworks {
 public:
  static PackedNetworks& Instance() {
    static PackedNetworks* instance = new PackedNetworks;
    return *instance;
  }

  // Throws what oneDNN throws.
  std::shared_ptr<PackedNetwork> Get(const NetworkPtr& network) {
    const std::shared_ptr<Entry> entry = Find(network);
    std::call_once(entry->once,
                   [&] { entry->packed = std::make_shared<PackedNetwork>(network->layers); });
    return entry->packed;
  }

 private:
  struct Entry {
    std::weak_ptr<const Network> network;
    std::once_flag once;
    std::shared_ptr<PackedNetwork> packed;
  };

  std::shared_ptr<Entry> Find(const NetworkPtr& network) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(network->id);
    if (found != entries_.end()) return found->second;
    std::erase_if(entries_, [](const auto& item) { return item.second->network.expired(); });
    const auto entry = std::make_shared<Entry>();
    entry->network = network;
    entries_.emplace(network->id, entry);
    return entry;
  }

  std::mutex mutex_;
  std::unordered_map<uint64_t, std::shared_ptr<Entry>>
      entries_;  // by Network::id; guarded by mutex_
};

class OneDnnEngine : public Engine {
 public:
  std::string_view name() const override { return "onednn"; }

  Status Apply(const NetworkPtr& network, ConstMatrixView in, MatrixView out) override {
    AUGSTORE_TRY(CheckShapes(network->layers, in, out));
    if (in.rows == 0) return OkStatus();
    const OneThread one_thread;
    try {
      const std::shared_ptr<PackedNetwork> packed = PackedNetworks::Instance().Get(network);
      const size_t block = packed->block_rows;
      for (size_t begin = 0; begin < in.rows; begin += block) {
        const size_t rows = std::min(block, in.rows - begin);
        ApplyBlock(*packed, in.Slice(begin, rows), out.Slice(begin, rows));
      }
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) return OutOfMemory(network->layers, in.rows);
      return Internal("oneDNN refused a network from {} to {} columns: {}", in.cols, out.cols,
                      error.what());
    } catch (const std::bad_alloc&) {
      return OutOfMemory(network->layers, in.rows);
    }
    return OkStatus();
  }

 private:
  static Status OutOfMemory(const Layers& layers, size_t rows) {
    return ResourceExhausted(
        "no memory for {} rows of a network from {} to {} columns: use fewer workers", rows,
        layers.dim_in(), layers.dim_out());
  }

  // At most block_rows rows; only the last block of a matrix is padded and so copied.
  void ApplyBlock(const PackedNetwork& packed, ConstMatrixView in, MatrixView out) {
    const size_t tile = packed.tile_rows;
    const size_t rows = (in.rows + tile - 1) / tile * tile;
    if (rows == in.rows) return ApplyTiles(packed, rows, in.data, out.data);
    float* padded_in = Reserve(&padded_in_, rows * in.cols);
    float* padded_out = Reserve(&padded_out_, rows * out.cols);
    std::memcpy(padded_in, in.data, in.rows * in.cols * sizeof(float));
    std::fill(padded_in + in.rows * in.cols, padded_in + rows * in.cols, 0.0f);
    ApplyTiles(packed, rows, padded_in, padded_out);
    std::memcpy(out.data, padded_out, out.rows * out.cols * sizeof(float));
  }

  void ApplyTiles(const PackedNetwork& packed, size_t rows, const float* in, float* out) {
    const float* source = in;
    for (size_t i = 0; i < packed.layers.size(); ++i) {
      const bool last = i + 1 == packed.layers.size();
      float* target = last ? out : Reserve(&between_[i % 2], rows * packed.width);
      Execute(*packed.layers[i], rows, source, in, target);
      source = target;
    }
    stream_.wait();
  }

  void Execute(PackedLayer& layer, size_t rows, const float* source, const float* stack_input,
               float* target) {
    if (layer.shape().kind == LayerKind::kDiagonal) {
      return layer.ApplyDiagonal(rows, source, stack_input, target);
    }
    const Product product = layer.ForRows(rows);
    const memory::desc out = RowMajor(rows, layer.shape().out);
    float* scratchpad = Reserve(&scratchpad_, product.scratchpad.get_size() / sizeof(float) + 1);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, Wrap(RowMajor(rows, layer.shape().in), source)},
        {DNNL_ARG_WEIGHTS, layer.weights()},
        {DNNL_ARG_BIAS, layer.bias()},
        {DNNL_ARG_DST, Wrap(out, target)},
        {DNNL_ARG_SCRATCHPAD, Wrap(product.scratchpad, scratchpad)},
    };
    if (layer.shape().residual) {
      arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, Wrap(out, stack_input));
    }
    product.matmul.execute(stream_, arguments);
  }

  static float* Reserve(Matrix* buffer, size_t count) {
    if (buffer->cols() < count) *buffer = Matrix(1, count);
    return buffer->data();
  }

  dnnl::stream stream_{Cpu()};
  std::array<Matrix, 2> between_;
  Matrix padded_in_;
  Matrix padded_out_;
  Matrix scratchpad_;
};

}  // namespace

std::unique_ptr<Engine> NewOneDnnEngine() { return std::make_unique<OneDnnEngine>(); }

}  // namespace augstore
