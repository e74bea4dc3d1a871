#include "tools/bench/onednn_ceiling.h"

#include <dnnl.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "engine/math/compute_threads.h"

namespace augstore {
namespace {

using dnnl::memory;
using Type = memory::data_type;

struct Types {
  Type source;
  Type weights;
  Type target;
};

Types TypesOf(ProductPrecision precision) {
  if (precision == ProductPrecision::kU8S8) return {Type::u8, Type::s8, Type::u8};
  const Type type = precision == ProductPrecision::kBf16 ? Type::bf16 : Type::f32;
  return {type, type, type};
}

memory::desc Dense(size_t rows, size_t cols, Type type) {
  return {{static_cast<memory::dim>(rows), static_cast<memory::dim>(cols)},
          type,
          memory::format_tag::ab};
}

// Small and not 0: a kernel could be quick on zeros, or slow on numbers out of its range.
void FillMemory(memory& target, Type type) {
  const size_t bytes = target.get_desc().get_size();
  auto* data = static_cast<uint8_t*>(target.get_data_handle());
  if (type == Type::f32) {
    auto* values = reinterpret_cast<float*>(data);
    for (size_t i = 0; i < bytes / sizeof(float); ++i) {
      values[i] = static_cast<float>(i * 37 % 101) / 1024 - 0.03f;
    }
    return;
  }
  // 0x3c00 to 0x3cff are small numbers of bf16.
  for (size_t i = 0; i < bytes; ++i) {
    data[i] = type == Type::bf16 && i % 2 == 1 ? 0x3c : static_cast<uint8_t>(i * 37 % 101);
  }
}

class OneDnnProducts : public BareProducts {
 public:
  OneDnnProducts(const std::vector<LayerShape>& shapes, size_t rows, ProductPrecision precision) {
    const Types types = TypesOf(precision);
    memory source(Dense(rows, shapes.at(0).in, types.source), cpu_);
    FillMemory(source, types.source);
    for (const LayerShape& shape : shapes) {
      const memory::desc any({shape.in, shape.out}, types.weights, memory::format_tag::any);
      const memory::desc target_desc = Dense(rows, shape.out, types.target);
      const dnnl::matmul::primitive_desc description(
          dnnl::matmul::desc(source.get_desc(), any, target_desc), cpu_);
      if (kernel_.empty()) kernel_ = description.impl_info_str();
      memory weights(description.weights_desc(), cpu_);
      FillMemory(weights, types.weights);
      memory target(target_desc, cpu_);
      products_.emplace_back(
          dnnl::matmul(description),
          std::unordered_map<int, memory>{
              {DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, target}});
      source = target;
    }
  }

  Status Run() override {
    const int before = ComputeThreads();
    SetComputeThreads(1);
    Status status;
    try {
      for (const auto& [product, arguments] : products_) product.execute(stream_, arguments);
      stream_.wait();
    } catch (const dnnl::error& error) {
      status = Internal("oneDNN's bare product failed: {}", error.what());
    }
    SetComputeThreads(before);
    return status;
  }

  std::string kernel() const override { return kernel_; }

 private:
  dnnl::engine cpu_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{cpu_};
  std::string kernel_;
  std::vector<std::pair<dnnl::matmul, std::unordered_map<int, memory>>> products_;
};

}  // namespace

Result<std::unique_ptr<BareProducts>> BareProducts::Create(const std::vector<LayerShape>& shapes,
                                                           size_t rows,
                                                           ProductPrecision precision) {
  const int before = ComputeThreads();
  SetComputeThreads(1);  // oneDNN plans for the team of the thread that makes a primitive
  Result<std::unique_ptr<BareProducts>> made = Internal("oneDNN made no product");
  try {
    made = std::unique_ptr<BareProducts>(new OneDnnProducts(shapes, rows, precision));
  } catch (const dnnl::error& error) {
    made = error.status == dnnl_unimplemented
               ? FailedPrecondition("oneDNN has no such product for this CPU: measure another")
               : Internal("oneDNN refuses a bare product of {} rows: {}", rows, error.what());
  }
  SetComputeThreads(before);
  if (made.ok() && std::string_view((*made)->kernel()).starts_with("ref")) {
    return FailedPrecondition(
        "oneDNN has only its plain loops ({}) for this product on this CPU: measure another",
        (*made)->kernel());
  }
  return made;
}

}  // namespace augstore
