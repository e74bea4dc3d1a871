// Trains Ω for one op on images: pairs from the store or from Φ, the fit, the card, the
// registration.
#ifndef AUGSTORE_TOOLS_TRANSFORM_TRAINING_H_
#define AUGSTORE_TOOLS_TRANSFORM_TRAINING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/image_source.h"
#include "engine/transform_trainer.h"
#include "tools/embedder.h"

namespace augstore {

// (z, z') of the images that could be read, z' = Φ(op(x)).
struct Pairs {
  Matrix z;
  Matrix z_target;
  uint64_t embedded = 0;
  uint64_t reused = 0;
  std::vector<SkippedImage> skipped;
};
// Both sides are kept in the store, so other families and later runs find them.
Result<Pairs> MakePairs(Database& database, LazyBackbone& backbone,
                        std::span<const ImageItem> items, const ImageOp& op, bool show_progress);

// The card's entry of `layers` on pairs; `data` names them.
Result<CardEntry> CheckTransform(const std::string& data, const Layers& layers, const Pairs& pairs);

// Registers layers as the next version of `name`; gives the version.
Result<uint32_t> RegisterTransform(Client& client, const std::string& name,
                                   const BackboneRecord& backbone, const std::string& op,
                                   const std::string& family, const Layers& layers,
                                   const Card& card);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_TRAINING_H_
