#include "tools/transform/transform_training.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "engine/fitting/last_blocks.h"
#include "engine/transforms/card.h"
#include "engine/transforms/cell_mix.h"
#include "engine/transforms/transform_chain.h"

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
                        const PairOptions& options) {
  if (options.mirror && options.feature_maps) {
    return InvalidArgument(
        "mirrored pairs have no stored feature maps: leave out --mirror for spatial transforms");
  }
  AUGSTORE_ASSIGN(const auto ops, ViewOps(op, options.mirror));
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
  if (options.feature_maps) {
    AUGSTORE_ASSIGN(pairs.feature_maps,
                    FetchFeatureMaps(database.client(), backbone.record(), views[0]));
    pairs.feature_map = backbone.record().feature_map;
  }
  return pairs;
}

Result<CardEntry> CheckTransform(const std::string& data, const TransformWeights& weights,
                                 const Pairs& pairs) {
  Matrix mapped(pairs.z.rows(), weights.dim());
  AUGSTORE_TRY(ApplyTransform(weights, {pairs.z.view(), pairs.feature_maps.view()}, mapped.view()));
  return MeasureCard(data, pairs.z.view(), pairs.z_target.view(), mapped.view());
}

void AddLastBlocksFlags(CLI::App* command, LastBlocksFlags* flags) {
  command->add_option("--last-blocks", flags->file,
                      "TorchScript file of the backbone's last blocks, from its feature map to the "
                      "embedding: fit the family last_blocks too");
  command
      ->add_option("--last-blocks-rank", flags->rank,
                   "Split the convolutions of the tail to this rank, which makes them cheaper; 0: "
                   "do not")
      ->capture_default_str();
  command->add_option("--feature-map-side", flags->feature_map_side,
                      "Let the tail read the map pooled to this many cells each way (default: as "
                      "stored)");
}

Result<SpatialFront> StartOfLastBlocks(const BackboneRecord& backbone, const ImageOp& op,
                                       const LastBlocksFlags& flags) {
  AUGSTORE_ASSIGN(std::vector<Conv> convs, ReadLastBlocks(flags.file));
  SpatialFront front;
  front.feature_map = backbone.feature_map;
  front.out_height =
      flags.feature_map_side == 0 ? front.feature_map.height : flags.feature_map_side;
  front.out_width = flags.feature_map_side == 0 ? front.feature_map.width : flags.feature_map_side;
  if (front.out_height > front.feature_map.height || front.out_width > front.feature_map.width) {
    return InvalidArgument(
        "--feature-map-side {}: the stored feature map is {}, give at most its sides",
        flags.feature_map_side, front.feature_map.ToString());
  }
  front.mix = MakeCellMix(front.feature_map, front.out_height, front.out_width, &op,
                          backbone.input_height, backbone.input_width);
  front.convs = FactoriseLastBlocks(std::move(convs), flags.rank);
  AUGSTORE_TRY(front.Validate().WithContext(fmt::format("tail '{}'", flags.file)));
  return front;
}

bool TrainingProgress::Update(const TransformProgress& state) {
  if (state.finished != nullptr) {
    line_.reset();
    training_.erase(state.family);
    const CardCandidate& candidate = *state.finished;
    if (enabled_) {
      fmt::print(stderr, "{:<10} G {:7.4f} [{:.4f}, {:.4f}]  {:.1f} s\n", candidate.family,
                 candidate.r2, candidate.r2_low, candidate.r2_high, candidate.train_seconds);
    }
    return !Interrupted();
  }
  training_[state.family] = {state.epoch, state.r2};
  if (!line_) line_ = std::make_unique<Progress>("train", "epochs", state.max_epochs, enabled_);
  uint32_t slowest = state.epoch;
  std::string note;
  for (const auto& [family, at] : training_) {
    slowest = std::min(slowest, at.epoch);
    note += fmt::format("{}{} G {:.4f}", note.empty() ? "" : ", ", family, at.r2);
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
