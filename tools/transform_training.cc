#include "tools/transform_training.h"

#include <chrono>

#include "engine/card.h"
#include "engine/engine.h"

namespace augstore {
namespace {

struct KeptRows {
  std::vector<RowId> plain;
  std::vector<RowId> augmented;
};

// Only pairs of which both sides exist.
KeptRows KeepComplete(const EmbedOutcome& plain, const EmbedOutcome& augmented) {
  KeptRows kept;
  for (size_t i = 0; i < plain.rows.size(); ++i) {
    if (plain.rows[i] == kNoRow || augmented.rows[i] == kNoRow) continue;
    kept.plain.push_back(plain.rows[i]);
    kept.augmented.push_back(augmented.rows[i]);
  }
  return kept;
}

}  // namespace

Result<Pairs> MakePairs(Database& database, LazyBackbone& backbone,
                        std::span<const ImageItem> items, const ImageOp& op, bool show_progress) {
  AUGSTORE_ASSIGN(EmbedOutcome plain,
                  EmbedItems(database, backbone, items, std::nullopt, "images", show_progress));
  AUGSTORE_ASSIGN(const EmbedOutcome augmented,
                  EmbedItems(database, backbone, items, op, op.text(), show_progress));
  const KeptRows kept = KeepComplete(plain, augmented);
  if (kept.plain.empty()) {
    return InvalidArgument("none of the {} images could be read, the first because: {}",
                           items.size(),
                           plain.skipped.empty() ? "there are none" : plain.skipped[0].reason);
  }
  Pairs pairs;
  AUGSTORE_ASSIGN(pairs.z, FetchRows(database.client(), backbone.record(), kept.plain));
  AUGSTORE_ASSIGN(pairs.z_target, FetchRows(database.client(), backbone.record(), kept.augmented));
  pairs.embedded = plain.embedded + augmented.embedded;
  pairs.reused = plain.reused + augmented.reused;
  pairs.skipped = std::move(plain.skipped);
  return pairs;
}

Result<CardEntry> CheckTransform(const std::string& data, const Layers& layers,
                                 const Pairs& pairs) {
  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(layers));
  Matrix mapped(pairs.z.rows(), layers.dim_out());
  const std::unique_ptr<Engine> engine = NewOneDnnEngine();
  AUGSTORE_TRY(engine->Apply(network, pairs.z.view(), mapped.view()));
  return MeasureCard(data, pairs.z.view(), pairs.z_target.view(), mapped.view());
}

Result<uint32_t> RegisterTransform(Client& client, const std::string& name,
                                   const BackboneRecord& backbone, const std::string& op,
                                   const std::string& family, const Layers& layers,
                                   const Card& card) {
  TransformRecord record;
  record.backbone = backbone.digest;
  record.dim = backbone.dim;
  record.op = op;
  record.family = family;
  record.card = card;
  record.created_unix_s = std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
  return client.Add(RecordKind::kTransform, name, Encode(record), layers.ToSafetensors());
}

}  // namespace augstore
