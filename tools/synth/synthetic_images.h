// Draws a labelled image set of ten classes of objects, so that everything can be tried without
// data. Colour, texture, place, size and background say nothing about the class; shape does, and
// every object has a top and a bottom.
#ifndef AUGSTORE_TOOLS_SYNTH_SYNTHETIC_IMAGES_H_
#define AUGSTORE_TOOLS_SYNTH_SYNTHETIC_IMAGES_H_

#include <cstdint>
#include <string>

#include "engine/images/image.h"
#include "schemas/base/status.h"
#include "tools/synth/synthetic_shapes.h"

namespace augstore {

struct SyntheticImagesOptions {
  uint64_t seed = 0;
  uint32_t per_class = 0;
  uint32_t size = 32;   // pixels of a side
  bool upright = true;  // turned by 12 degrees at most; otherwise by any angle
};

inline constexpr uint32_t kMinSyntheticSize = 16;
inline constexpr uint32_t kMaxSyntheticSize = 512;
inline constexpr uint32_t kMaxSyntheticPerClass = 100000;

// Image `index` of the class; depends on seed, size, upright and its own place alone.
// REQUIRES: class_index < SyntheticClasses().size(), kMinSyntheticSize <= size <=
// kMaxSyntheticSize.
Image SyntheticImage(const SyntheticImagesOptions& options, uint32_t class_index, uint32_t index);

// Writes root/<class>/<index>.png. `root` appears when all is written: a set that was interrupted
// is not taken for a whole one. Errors: kInvalidArgument (an option out of range), kAlreadyExists
// (`root` exists and is not empty), kUnavailable.
Status WriteSyntheticImages(const std::string& root, const SyntheticImagesOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SYNTH_SYNTHETIC_IMAGES_H_
