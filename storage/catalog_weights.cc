// Backbones, transforms and heads of the catalog: what is checked before they are stored.
#include <cmath>

#include "schemas/digest.h"
#include "schemas/limits.h"
#include "storage/catalog.h"
#include "storage/catalog_internal.h"
#include "storage/store_checks.h"

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
    AUGSTORE_TRY(CheckFinite(fmt::format("the card's entry '{}'", entry.data),
                             {entry.mse, entry.identity_mse, entry.explained, entry.cosine_before,
                              entry.cosine_after, entry.dispersion}));
  }
  return OkStatus();
}

Status CheckBackbone(const BackboneRecord& record) {
  AUGSTORE_TRY(CheckDim(record.dim));
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

// Parses the weights and fills, or compares, what the record says about them.
Result<Layers> ReadWeights(std::string_view what, std::string_view safetensors,
                           std::vector<LayerShape>* shapes, Digest* digest) {
  if (safetensors.size() > kMaxWeightsBytes) {
    return InvalidArgument("the weights of {} have {} bytes: at most {} are allowed", what,
                           safetensors.size(), kMaxWeightsBytes);
  }
  Result<Layers> layers = Layers::FromSafetensors(safetensors);
  if (!layers.ok()) return layers.status().WithContext(what);
  if (!shapes->empty() && *shapes != layers->shapes()) {
    return InvalidArgument("the layers in the record of {} are not those of its weights", what);
  }
  const Digest actual =
      Sha256({reinterpret_cast<const uint8_t*>(safetensors.data()), safetensors.size()});
  if (*digest != Digest() && *digest != actual) {
    return InvalidArgument("the weights of {} have digest {}, its record says {}", what,
                           actual.Hex(), digest->Hex());
  }
  *shapes = layers->shapes();
  *digest = actual;
  return layers;
}

Status CheckDims(std::string_view what, const Layers& layers, uint32_t dim, uint64_t dim_out) {
  if (layers.dim_in() == dim && layers.dim_out() == dim_out) return OkStatus();
  return InvalidArgument("the weights of {} map {} numbers to {}, its record asks for {} to {}",
                         what, layers.dim_in(), layers.dim_out(), dim, dim_out);
}

}  // namespace

Status Catalog::CheckSpace(const Digest& backbone, uint32_t dim) {
  const auto differs = [&](std::string_view what, uint32_t other) {
    return FailedPrecondition("dim {} does not fit {} (digest {}), whose dim is {}", dim, what,
                              backbone.Hex(), other);
  };
  const Result<Named<BackboneRecord>> registered = FindBackbone(backbone);
  if (registered.ok()) {
    if (registered->record.dim == dim) return OkStatus();
    return differs("backbone '" + registered->ref() + "'", registered->record.dim);
  }
  if (registered.status().code() != Code::kNotFound) return registered.status();
  const Result<SpaceInfo> space = store_->FindSpace(backbone);
  if (space.ok() && space->dim != dim) {
    return differs("the stored embeddings of its backbone", space->dim);
  }
  if (!space.ok() && space.status().code() != Code::kNotFound) return space.status();
  return OkStatus();
}

Result<RecordKey> Catalog::AddBackbone(const std::string& name, const BackboneRecord& record) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_TRY(CheckBackbone(record));
  std::lock_guard lock(registry_mutex_);
  AUGSTORE_TRY(CheckSpace(record.digest, record.dim));
  AUGSTORE_ASSIGN(const auto versions, store_->ListRecords(RecordKind::kBackbone, name));
  for (const RecordEntry& entry : versions) {
    AUGSTORE_ASSIGN(const auto known, DecodeNamed<BackboneRecord>(entry.key, entry.bytes));
    if (known.record.digest == record.digest) return entry.key;
  }
  BackboneRecord stored = record;
  if (stored.created_unix_s == 0) stored.created_unix_s = UnixNow();
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(stored));
  AUGSTORE_ASSIGN(const uint32_t version,
                  store_->AddRecord(RecordKind::kBackbone, name, bytes, ""));
  return RecordKey{RecordKind::kBackbone, name, version};
}

Result<RecordKey> Catalog::AddTransform(const std::string& name, TransformRecord record,
                                        std::string_view safetensors) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_TRY(CheckDim(record.dim));
  AUGSTORE_TRY(CheckCard(record.card));
  const std::string what = fmt::format("transform '{}'", name);
  AUGSTORE_ASSIGN(const Layers layers,
                  ReadWeights(what, safetensors, &record.layers, &record.weights));
  AUGSTORE_TRY(CheckDims(what, layers, record.dim, record.dim));
  AUGSTORE_TRY(CheckSpace(record.backbone, record.dim).WithContext(what));
  record.card.multiply_adds = layers.MultiplyAdds();
  if (record.created_unix_s == 0) record.created_unix_s = UnixNow();
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(record));
  AUGSTORE_ASSIGN(const uint32_t version,
                  store_->AddRecord(RecordKind::kTransform, name, bytes, safetensors));
  return RecordKey{RecordKind::kTransform, name, version};
}

Result<RecordKey> Catalog::AddHead(const std::string& name, HeadRecord record,
                                   std::string_view safetensors) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_TRY(CheckDim(record.dim));
  const std::string what = fmt::format("head '{}'", name);
  AUGSTORE_TRY(CheckFinite(what, {record.train_loss, record.test_accuracy, record.test_loss,
                                  record.lineage.learning_rate, record.lineage.weight_decay}));
  AUGSTORE_ASSIGN(const Layers layers,
                  ReadWeights(what, safetensors, &record.layers, &record.weights));
  AUGSTORE_TRY(CheckDims(what, layers, record.dim, record.classes.size()));
  AUGSTORE_TRY(CheckSpace(record.backbone, record.dim).WithContext(what));
  if (record.created_unix_s == 0) record.created_unix_s = UnixNow();
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(record));
  AUGSTORE_ASSIGN(const uint32_t version,
                  store_->AddRecord(RecordKind::kHead, name, bytes, safetensors));
  return RecordKey{RecordKind::kHead, name, version};
}

Result<Layers> Catalog::GetLayers(const RecordKey& key) {
  if (key.kind != RecordKind::kTransform && key.kind != RecordKind::kHead) {
    return InvalidArgument("{} has no weights", Describe(key));
  }
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  std::vector<LayerShape> shapes;
  Digest digest;
  if (key.kind == RecordKind::kTransform) {
    AUGSTORE_ASSIGN(const auto named, DecodeNamed<TransformRecord>(key, bytes));
    shapes = named.record.layers;
    digest = named.record.weights;
  } else {
    AUGSTORE_ASSIGN(const auto named, DecodeNamed<HeadRecord>(key, bytes));
    shapes = named.record.layers;
    digest = named.record.weights;
  }
  AUGSTORE_ASSIGN(const std::string blob, store_->ReadBlob(key));
  Result<Layers> layers = ReadWeights(Describe(key), blob, &shapes, &digest);
  if (layers.ok()) return layers;
  return DataLoss("the stored weights are damaged: {}; run `augstore verify`",
                  layers.status().message());
}

}  // namespace augstore
