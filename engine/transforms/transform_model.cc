#include "engine/transforms/transform_model.h"

#include <utility>

namespace augstore {

Result<NetworkPtr> DerivedNetworks::Get(const std::string& key, uint64_t weights,
                                        const std::function<Result<NetworkPtr>()>& make) {
  const MutexLock lock(mutex_);
  if (const auto found = networks_.find(key); found != networks_.end()) {
    if (NetworkPtr network = found->second.lock()) return network;
  }
  std::erase_if(networks_, [](const auto& entry) { return entry.second.expired(); });
  std::optional<MemoryBudget::Share> share;
  if (memory_ != nullptr) {
    AUGSTORE_ASSIGN(share, memory_->TakeNow(BytesOfWeights(weights), "op " + key));
  }
  AUGSTORE_ASSIGN(NetworkPtr network, make());
  if (share.has_value()) network = WithShare(std::move(network), *std::move(share));
  networks_[key] = network;
  return network;
}

Result<TransformModelPtr> MakeTransformModel(TransformWeights weights, MemoryBudget* memory) {
  AUGSTORE_TRY(weights.Validate());
  std::optional<MemoryBudget::Share> share;
  if (memory != nullptr) {
    AUGSTORE_ASSIGN(share, memory->TakeNow(BytesOfWeights(weights.Values()), "a transform"));
  }
  auto model = std::make_shared<TransformModel>();
  model->derived = std::make_unique<DerivedNetworks>(memory);
  model->dim = weights.dim();
  model->activation = weights.layers.layers.back().shape.activation;
  model->normalised = weights.normalised;
  model->error_bank = std::move(weights.error_bank);
  if (weights.conditional()) {
    AUGSTORE_ASSIGN(model->family, OpFamily::Parse(weights.ops, weights.slots));
    if (weights.basis.size() != model->family->features()) {
      return InvalidArgument("the basis has {} affine maps, and the ops '{}' have {} features",
                             weights.basis.size(), weights.ops, model->family->features());
    }
    model->basis = std::move(weights.basis);
  }
  if (weights.front) {
    AUGSTORE_ASSIGN(model->front, SpatialFeatures::Make(std::move(*weights.front)));
  }
  AUGSTORE_ASSIGN(model->network, MakeNetwork(std::move(weights.layers)));
  TransformModelPtr made = std::move(model);
  return share.has_value() ? WithShare(std::move(made), *std::move(share)) : made;
}

}  // namespace augstore
