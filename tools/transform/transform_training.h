// Trains Ω for one op on images: pairs from the store or from Φ, the fit, the card, the
// registration.
#ifndef AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_TRAINING_H_
#define AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_TRAINING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/fitting/transform_trainer.h"
#include "engine/images/image_source.h"
#include "tools/cli/progress.h"
#include "tools/collection/embedder.h"

namespace augstore {

// (z, z') of the images that could be read, z' = Φ(op(x)).
struct Pairs {
  Matrix z;
  Matrix z_target;
  Matrix feature_maps;          // the feature map of every x, when they were asked for
  FeatureMapShape feature_map;  // of each
  uint32_t views = 1;  // 2: the same images once more, mirrored (TransformTrainOptions::views)
  EmbedCounts counts;
};
// `mirror` adds (Φ(m(x)), Φ(op(m(x)))) of the mirror images m(x), which have no feature maps.
struct PairOptions {
  bool mirror = false;
  bool feature_maps = false;
};
// Errors: those of EmbedViews; kInvalidArgument (both options).
Result<Pairs> MakePairs(Database& database, LazyBackbone& backbone,
                        std::span<const ImageItem> items, const ImageOp& op, bool show_progress,
                        const PairOptions& options = {});

// Where the family "last_blocks" starts: the last blocks of the backbone, made cheaper, on a
// feature map to which the op was applied.
struct LastBlocksFlags {
  std::string file;    // --last-blocks: TorchScript file of the last blocks; empty: none
  uint32_t rank = 64;  // --last-blocks-rank
  // --feature-map-side: cells each way of the feature map that they read; 0: as stored
  uint32_t feature_map_side = 0;
};
void AddLastBlocksFlags(Command* command, LastBlocksFlags* flags);
// Errors: those of ReadLastBlocks; kInvalidArgument (a side that the feature map does not have).
Result<SpatialFront> StartOfLastBlocks(const BackboneRecord& backbone, const ImageOp& op,
                                       const LastBlocksFlags& flags);

// The card's entry of `weights` (not conditional) on pairs; `data` names them.
Result<CardEntry> CheckTransform(const std::string& data, const TransformWeights& weights,
                                 const Pairs& pairs);

// Registers weights as the next version of `name`, and returns the version.
Result<uint32_t> RegisterTransform(Client& client, const std::string& name,
                                   const BackboneRecord& backbone, const std::string& op,
                                   const std::string& family, const TransformWeights& weights,
                                   const Card& card);

// An alias to move to a transform once it is registered; empty: none.
struct AliasRequest {
  std::string alias;
  std::string note;
};
// --alias and --note.
void AddAliasFlags(Command* command, AliasRequest* alias);
// Registers a transform and moves the alias. Errors: kFailedPrecondition (the card does not allow
// the alias: then nothing is registered), those of the database.
Result<Versioned<TransformRecord>> RegisterTrained(Client& client, const std::string& name,
                                                   const BackboneRecord& backbone,
                                                   const std::string& op,
                                                   const TrainedTransform& trained,
                                                   const AliasRequest& alias);

// What a command that trains prints with --json: the version, `more`, and what embedding and all of
// it took.
Json TrainedJson(const Versioned<TransformRecord>& added, const AliasRequest& alias,
                 const Json& more, const EmbedCounts& counts, double seconds);

// Shows the progress of training: one line for all families that are being trained, and under
// "auto" a line for each that is done.
class TrainingProgress {
 public:
  explicit TrainingProgress(bool enabled) : enabled_(enabled) {}
  // The progress callback of TrainTransform. Returns false after Ctrl-C.
  bool Update(const TransformProgress& state);

 private:
  struct At {
    uint32_t epoch = 0;
    double r2 = 0;
  };
  bool enabled_;
  std::map<std::string, At> training_;
  std::unique_ptr<Progress> line_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_TRAINING_H_
