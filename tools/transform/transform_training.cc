#include "tools/transform/transform_training.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/backbone/torch_last_blocks.h"
#include "engine/fitting/last_blocks.h"
#include "engine/transforms/card.h"
#include "engine/transforms/cell_mix.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/records/card_worth.h"
#include "tools/transform/cmd_transform.h"

namespace augstore {
namespace {

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

// `lower` below `upper`.
Matrix Stacked(const Matrix& upper, const Matrix& lower) {
  Matrix both(upper.rows() + lower.rows(), upper.cols());
  std::copy_n(upper.data(), upper.rows() * upper.cols(), both.data());
  std::copy_n(lower.data(), lower.rows() * lower.cols(), both.row(upper.rows()).data());
  return both;
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
  AUGSTORE_ASSIGN(EmbeddedViews embedded, EmbedViews(database, backbone, items, ops,
                                                     {.show_progress = show_progress,
                                                      .feature_maps = options.feature_maps}));
  Pairs pairs;
  pairs.counts = embedded;
  pairs.views = static_cast<uint32_t>(ops.size() / 2);
  std::vector<Matrix>& views = embedded.views;
  pairs.z = options.mirror ? Stacked(views[0], views[2]) : std::move(views[0]);
  pairs.z_target = options.mirror ? Stacked(views[1], views[3]) : std::move(views[1]);
  if (options.feature_maps) {
    pairs.feature_maps = std::move(embedded.feature_maps);
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

void AddLastBlocksFlags(Command* command, LastBlocksFlags* flags) {
  command->AddFlag("--last-blocks", &flags->file,
                   "TorchScript file of the backbone's last blocks, from its feature map to the "
                   "embedding: fit the family last_blocks too");
  command->AddFlag("--last-blocks-rank", &flags->rank,
                   "Split the convolutions of the last blocks to this rank, which makes them "
                   "cheaper; 0: do not");
  command->AddFlag("--feature-map-side", &flags->feature_map_side,
                   "Let last_blocks read the feature map pooled to this many cells each way "
                   "(default: as stored)");
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
  AUGSTORE_TRY(front.Validate().WithContext(fmt::format("last blocks '{}'", flags.file)));
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
  return client.Add(RecordKind::kTransform, name, Encode(record), weights.ToSafetensors());
}

void AddAliasFlags(Command* command, AliasRequest* alias) {
  command->AddFlag("--alias", &alias->alias, "Point this alias to the new version");
  command->AddFlag("--note", &alias->note, "Why; kept in the alias's history");
}

Json TrainedJson(const Versioned<TransformRecord>& added, const AliasRequest& alias,
                 const Json& more, const EmbedCounts& counts, double seconds) {
  std::vector<std::string> aliases;
  if (!alias.alias.empty()) aliases.push_back(alias.alias);
  Json json = TransformJson(added, aliases);
  json.update(more);
  json.update(EmbedJson(counts));
  json["seconds"] = seconds;
  return json;
}

Result<Versioned<TransformRecord>> RegisterTrained(Client& client, const std::string& name,
                                                   const BackboneRecord& backbone,
                                                   const std::string& op,
                                                   const TrainedTransform& trained,
                                                   const AliasRequest& alias) {
  if (!alias.alias.empty()) {
    const Status worth = CheckWorth(name, trained.card, 0);
    if (!worth.ok()) {
      return FailedPrecondition(
          "nothing was registered, since alias '{}' may only move to a version that is proven "
          "({}): "
          "train on more images or as another family, or leave out --alias to register it and move "
          "the alias with `augstore transform alias --force`",
          alias.alias, WorthText(trained.card));
    }
  }
  AUGSTORE_ASSIGN(
      const uint32_t version,
      RegisterTransform(client, name, backbone, op, trained.family, trained.weights, trained.card));
  const std::string ref = fmt::format("{}@{}", name, version);
  if (!alias.alias.empty()) {
    const Status moved =
        client.SetAlias({RecordKind::kTransform, name, alias.alias, version, alias.note});
    if (!moved.ok()) {
      return moved.WithContext(
          fmt::format("{} is registered, its alias '{}' is not", ref, alias.alias));
    }
  }
  return client.Get<TransformRecord>(ref);
}

}  // namespace augstore
