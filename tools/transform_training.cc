#include "tools/transform_training.h"

#include <algorithm>
#include <chrono>

#include "engine/card.h"
#include "engine/engine.h"

namespace augstore {
namespace {

// Of several views of the same images, the rows of those images of which every view exists.
void KeepComplete(std::vector<std::vector<RowId>>* views) {
  const size_t images = views->front().size();
  std::vector<bool> complete(images, true);
  for (const std::vector<RowId>& rows : *views) {
    for (size_t i = 0; i < images; ++i) complete[i] = complete[i] && rows[i] != kNoRow;
  }
  for (std::vector<RowId>& rows : *views) {
    size_t kept = 0;
    for (size_t i = 0; i < images; ++i) {
      if (complete[i]) rows[kept++] = rows[i];
    }
    rows.resize(kept);
  }
}

// Pairs of views, each z before its z'.
Result<std::vector<std::optional<ImageOp>>> ViewOps(const ImageOp& op, bool mirror) {
  std::vector<std::optional<ImageOp>> ops = {std::nullopt, op};
  if (mirror) {
    for (const std::string& text : {std::string("hflip"), "hflip>" + op.text()}) {
      AUGSTORE_ASSIGN(ImageOp view, ImageOp::ParseSequence(text));
      ops.emplace_back(std::move(view));
    }
  }
  return ops;
}

}  // namespace

Result<Pairs> MakePairs(Database& database, LazyBackbone& backbone,
                        std::span<const ImageItem> items, const ImageOp& op, bool show_progress,
                        bool mirror) {
  AUGSTORE_ASSIGN(const auto ops, ViewOps(op, mirror));
  Pairs pairs;
  std::vector<std::vector<RowId>> views;
  for (const std::optional<ImageOp>& view : ops) {
    AUGSTORE_ASSIGN(
        EmbedOutcome outcome,
        EmbedItems(database, backbone, items, view, view ? view->text() : "images", show_progress));
    pairs.embedded += outcome.embedded;
    pairs.reused += outcome.reused;
    if (views.empty()) pairs.skipped = std::move(outcome.skipped);
    views.push_back(std::move(outcome.rows));
  }
  KeepComplete(&views);
  if (views[0].empty()) {
    return InvalidArgument("none of the {} images could be read, the first because: {}",
                           items.size(),
                           pairs.skipped.empty() ? "there are none" : pairs.skipped[0].reason);
  }
  pairs.views = static_cast<uint32_t>(views.size() / 2);
  for (size_t v = 2; v < views.size(); ++v) {
    std::vector<RowId>& side = views[v % 2];
    side.insert(side.end(), views[v].begin(), views[v].end());
  }
  AUGSTORE_ASSIGN(pairs.z, FetchRows(database.client(), backbone.record(), views[0]));
  AUGSTORE_ASSIGN(pairs.z_target, FetchRows(database.client(), backbone.record(), views[1]));
  return pairs;
}

Result<CardEntry> CheckTransform(const std::string& data, const TransformWeights& weights,
                                 const Pairs& pairs) {
  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(weights.layers));
  Matrix mapped(pairs.z.rows(), weights.layers.dim_out());
  const std::unique_ptr<Engine> engine = NewOneDnnEngine();
  AUGSTORE_TRY(engine->Apply(network, pairs.z.view(), mapped.view()));
  return MeasureCard(data, pairs.z.view(), pairs.z_target.view(), mapped.view());
}

bool TrainingProgress::Update(const TransformProgress& state) {
  if (state.finished != nullptr) {
    line_.reset();
    training_.erase(state.family);
    const CardRung& rung = *state.finished;
    if (enabled_) {
      fmt::print(stderr, "{:<10} G {:7.4f} [{:.4f}, {:.4f}]  {:.1f} s\n", rung.family,
                 rung.explained, rung.explained_low, rung.explained_high, rung.train_seconds);
    }
    return !Interrupted();
  }
  training_[state.family] = {state.epoch, state.explained};
  if (!line_) line_ = std::make_unique<Progress>("train", "epochs", state.max_epochs, enabled_);
  uint32_t slowest = state.epoch;
  std::string note;
  for (const auto& [family, at] : training_) {
    slowest = std::min(slowest, at.epoch);
    note += fmt::format("{}{} G {:.4f}", note.empty() ? "" : ", ", family, at.explained);
  }
  line_->Update(slowest, note);
  return !Interrupted();
}

Result<uint32_t> RegisterTransform(Client& client, const std::string& name,
                                   const BackboneRecord& backbone, const std::string& op,
                                   const std::string& family, const TransformWeights& weights,
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
  return client.Add(RecordKind::kTransform, name, Encode(record), weights.ToSafetensors());
}

}  // namespace augstore
