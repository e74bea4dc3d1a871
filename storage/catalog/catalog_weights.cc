// Backbones, transforms and heads of the catalog: what is checked before they are stored.
#include <cmath>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

Status CheckFinite(std::string_view what, std::initializer_list<double> values) {
  for (double value : values) {
    if (!std::isfinite(value)) {
      return InvalidArgument("{} holds {}: every number must be finite", what, value);
    }
  }
  return OkStatus();
}

Status CheckCard(const Card& card) {
  AUGSTORE_TRY(CheckFinite("the card", {card.train_seconds}));
  for (const CardEntry& entry : card.entries) {
    AUGSTORE_TRY(CheckFinite(
        fmt::format("the card's entry '{}'", entry.data),
        {entry.mse, entry.identity_mse, entry.r2, entry.cosine_before, entry.cosine_after,
         entry.dispersion, entry.r2_low, entry.r2_high, entry.mrr, entry.hit1, entry.hit5}));
  }
  for (const CardCandidate& candidate : card.candidates) {
    AUGSTORE_TRY(CheckFinite(fmt::format("the card's candidate '{}'", candidate.family),
                             {candidate.r2, candidate.r2_low, candidate.r2_high, candidate.mse,
                              candidate.train_seconds}));
  }
  for (const CardMeasure& measure : card.measures) {
    AUGSTORE_TRY(CheckFinite(fmt::format("the card's '{}'", measure.name), {measure.value}));
  }
  return OkStatus();
}

Status CheckBackbone(const BackboneRecord& record) {
  AUGSTORE_TRY(CheckDim(record.dim));
  if (record.feature_map.cells() > kMaxFeatureMapCells || record.feature_map.values() > kMaxDim) {
    return InvalidArgument("the backbone's feature map is {}: at most {} cells and {} values",
                           record.feature_map.ToString(), kMaxFeatureMapCells, kMaxDim);
  }
  AUGSTORE_TRY(CheckFinite("the way in which the backbone is run",
                           {record.way.images_per_second, record.way.slot_difference}));
  if (record.mean.size() != record.stddev.size()) {
    return InvalidArgument(
        "the backbone has {} means and {} standard deviations: give one of each "
        "per channel, or none",
        record.mean.size(), record.stddev.size());
  }
  for (size_t i = 0; i < record.mean.size(); ++i) {
    AUGSTORE_TRY(CheckFinite("the backbone's normalisation", {record.mean[i], record.stddev[i]}));
    if (record.stddev[i] <= 0) {
      return InvalidArgument("the backbone's standard deviation {} is {}: it must be positive", i,
                             record.stddev[i]);
    }
  }
  return OkStatus();
}

const Layers& StackOf(const Layers& weights) { return weights; }
const Layers& StackOf(const TransformWeights& weights) { return weights.layers; }

// Parses the weights (Layers of a head, TransformWeights) and fills, or compares, what the record
// says about them.
template <typename Weights>
Result<Weights> ReadWeights(std::string_view what, std::string_view safetensors,
                            std::vector<LayerShape>* shapes, Digest* digest) {
  if (safetensors.size() > kMaxWeightsBytes) {
    return InvalidArgument("the weights of {} have {} bytes: at most {} are allowed", what,
                           safetensors.size(), kMaxWeightsBytes);
  }
  Result<Weights> weights = Weights::FromSafetensors(safetensors);
  if (!weights.ok()) return weights.status().WithContext(what);
  const std::vector<LayerShape> actual_shapes = StackOf(*weights).shapes();
  if (!shapes->empty() && *shapes != actual_shapes) {
    return InvalidArgument("the layers in the record of {} are not those of its weights", what);
  }
  const Digest actual =
      Sha256({reinterpret_cast<const uint8_t*>(safetensors.data()), safetensors.size()});
  if (*digest != Digest() && *digest != actual) {
    return InvalidArgument("the weights of {} have digest {}, its record says {}", what,
                           actual.Hex(), digest->Hex());
  }
  *shapes = actual_shapes;
  *digest = actual;
  return weights;
}

// Adds the next version; a record without a time of creation is made now.
template <typename Record>
Result<RecordKey> AddChecked(Store& store, const std::string& name, Record record,
                             std::string_view blob) {
  if (record.created_unix_s == 0) record.created_unix_s = UnixNow();
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(record));
  AUGSTORE_ASSIGN(const uint32_t version, store.AddRecord(Record::kKind, name, bytes, blob));
  return RecordKey{Record::kKind, name, version};
}

Status CheckDims(std::string_view what, const Layers& layers, uint32_t dim, uint64_t dim_out) {
  if (layers.dim_in() == dim && layers.dim_out() == dim_out) return OkStatus();
  return InvalidArgument("the weights of {} map {} numbers to {}, its record asks for {} to {}",
                         what, layers.dim_in(), layers.dim_out(), dim, dim_out);
}

Status CheckNormalised(Catalog& catalog, const Digest& backbone, const TransformWeights& weights) {
  if (weights.normalised) return OkStatus();
  const Result<Versioned<BackboneRecord>> registered = catalog.FindBackbone(backbone);
  if (registered.status().code() == Code::kNotFound) return OkStatus();
  AUGSTORE_TRY(registered);
  if (!registered->record.normalised) return OkStatus();
  return FailedPrecondition(
      "the embeddings of backbone '{}' have length 1, and the outputs of these weights do not: "
      "give "
      "them the metadata 'augstore.normalised' with the value 1",
      registered->ref());
}

}  // namespace

Status Catalog::CheckSpace(const Digest& backbone, uint32_t dim) {
  const auto differs = [&](std::string_view what, uint32_t other) {
    return FailedPrecondition("dim {} does not fit {} (digest {}), whose dim is {}", dim, what,
                              backbone.Hex(), other);
  };
  const Result<Versioned<BackboneRecord>> registered = FindBackbone(backbone);
  if (registered.ok()) {
    if (registered->record.dim == dim) return OkStatus();
    return differs("backbone '" + registered->ref() + "'", registered->record.dim);
  }
  if (registered.status().code() != Code::kNotFound) return registered.status();
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8}) {
    const Result<SpaceInfo> space = store_->FindSpace(backbone, dtype);
    if (space.ok() && space->dim != dim) {
      return differs("the stored embeddings of its backbone", space->dim);
    }
    if (!space.ok() && space.status().code() != Code::kNotFound) return space.status();
  }
  return OkStatus();
}

Status Catalog::CheckFeatureMap(const TransformRecord& transform) {
  if (transform.feature_map.values() == 0) return OkStatus();
  const Result<Versioned<BackboneRecord>> registered = FindBackbone(transform.backbone);
  if (registered.status().code() == Code::kNotFound) return OkStatus();
  AUGSTORE_TRY(registered);
  if (registered->record.feature_map == transform.feature_map) return OkStatus();
  return FailedPrecondition(
      "it reads feature maps of {}, and backbone '{}' returns {}: train it for that backbone",
      transform.feature_map.ToString(), registered->ref(),
      registered->record.feature_map.values() == 0 ? "none"
                                                   : registered->record.feature_map.ToString());
}

Result<RecordKey> Catalog::AddBackbone(const std::string& name, const BackboneRecord& record) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_TRY(CheckBackbone(record));
  const MutexLock lock(registry_mutex_);
  AUGSTORE_TRY(CheckSpace(record.digest, record.dim));
  AUGSTORE_ASSIGN(const auto versions, store_->ListRecords(RecordKind::kBackbone, name));
  for (const RecordEntry& entry : versions) {
    AUGSTORE_ASSIGN(const auto known, DecodeVersioned<BackboneRecord>(entry.key, entry.bytes));
    if (known.record.digest == record.digest) return entry.key;
  }
  return AddChecked(*store_, name, record, "");
}

Result<RecordKey> Catalog::AddTransform(const std::string& name, TransformRecord record,
                                        std::string_view safetensors) {
  AUGSTORE_TRY(ValidateTransformName(name));
  AUGSTORE_TRY(CheckDim(record.dim));
  AUGSTORE_TRY(CheckCard(record.card));
  const std::string what = fmt::format("transform '{}'", name);
  AUGSTORE_ASSIGN(
      const TransformWeights weights,
      ReadWeights<TransformWeights>(what, safetensors, &record.layers, &record.weights));
  if (weights.dim() != record.dim) {
    return InvalidArgument("the weights of {} return {} numbers, its record asks for {}", what,
                           weights.dim(), record.dim);
  }
  AUGSTORE_TRY(CheckSpace(record.backbone, record.dim).WithContext(what));
  record.feature_map = weights.front ? weights.front->feature_map : FeatureMapShape();
  AUGSTORE_TRY(CheckFeatureMap(record).WithContext(what));
  AUGSTORE_TRY(CheckNormalised(*this, record.backbone, weights).WithContext(what));
  record.card.multiply_adds = weights.MultiplyAdds();
  return AddChecked(*store_, name, std::move(record), safetensors);
}

Result<RecordKey> Catalog::AddHead(const std::string& name, HeadRecord record,
                                   std::string_view safetensors) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_TRY(CheckDim(record.dim));
  const std::string what = fmt::format("head '{}'", name);
  AUGSTORE_TRY(CheckFinite(what, {record.train_loss, record.test_accuracy, record.test_loss,
                                  record.lineage.learning_rate, record.lineage.weight_decay}));
  AUGSTORE_ASSIGN(const Layers layers,
                  ReadWeights<Layers>(what, safetensors, &record.layers, &record.weights));
  AUGSTORE_TRY(CheckDims(what, layers, record.dim, record.classes.size()));
  AUGSTORE_TRY(CheckSpace(record.backbone, record.dim).WithContext(what));
  return AddChecked(*store_, name, std::move(record), safetensors);
}

namespace {

// What is stored was checked when it was added: a refusal now is damage.
template <typename Weights, typename Record>
Result<Weights> ReadStored(Store* store, const RecordKey& key) {
  AUGSTORE_ASSIGN(const std::string bytes, store->ReadRecord(key));
  AUGSTORE_ASSIGN(Versioned<Record> named, DecodeVersioned<Record>(key, bytes));
  AUGSTORE_ASSIGN(const std::string blob, store->ReadBlob(key));
  Result<Weights> weights =
      ReadWeights<Weights>(Describe(key), blob, &named.record.layers, &named.record.weights);
  if (weights.ok()) return weights;
  return DataLoss("the stored weights are damaged: {}; run `augstore verify`",
                  weights.status().message());
}

}  // namespace

Result<Layers> Catalog::GetLayers(const RecordKey& head) {
  if (head.kind != RecordKind::kHead) return InvalidArgument("{} is no head", Describe(head));
  return ReadStored<Layers, HeadRecord>(store_, head);
}

Result<TransformWeights> Catalog::GetWeights(const RecordKey& transform) {
  if (transform.kind != RecordKind::kTransform) {
    return InvalidArgument("{} is no transform", Describe(transform));
  }
  return ReadStored<TransformWeights, TransformRecord>(store_, transform);
}

}  // namespace augstore
