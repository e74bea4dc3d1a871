// What a command will ask of Φ, told before it starts.
#ifndef AUGSTORE_TOOLS_COLLECTION_PHI_COST_H_
#define AUGSTORE_TOOLS_COLLECTION_PHI_COST_H_

#include <cstdint>
#include <span>
#include <string>

#include "engine/images/image_item.h"
#include "tools/collection/embedder.h"

namespace augstore {

struct PhiCost {
  uint64_t images = 0;
  uint64_t calls = 0;  // of Φ, at most: views that are stored are not embedded again
  double images_per_second = 0;
};

// Images per second of Φ on the first `most` items in memory, after one call that is not counted.
// Errors: kInvalidArgument (none of them can be read), those of Φ.
Result<double> MeasurePhi(LazyBackbone& backbone, std::span<const ImageItem> items,
                          size_t most = 32);

// "200 images, at most 1800 Φ calls: about 2 min at the measured 15.0 images/s; …", one line.
std::string PhiCostText(const PhiCost& cost);

// Measures and prints PhiCostText on standard error. Errors: those of MeasurePhi.
Status AnnouncePhiCost(LazyBackbone& backbone, std::span<const ImageItem> items, uint64_t calls);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COLLECTION_PHI_COST_H_
