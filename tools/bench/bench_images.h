// Images, and a fresh database with Φ loaded, for the parts of `augstore bench` that run Φ.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_IMAGES_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_IMAGES_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/images/image_source.h"
#include "tools/bench/bench_flags.h"
#include "tools/collection/embedder.h"

namespace augstore {

// Images to embed: those of flags.images, spread evenly, or synthetic ones.
struct BenchImages {
  std::vector<ImageItem> items;
  std::vector<std::string> classes;
};
// At most `count`. Synthetic images are written below `folder`. Errors: those of ListImages and
// WriteSyntheticImages.
Result<BenchImages> MakeBenchImages(const BenchFlags& flags, const std::string& folder,
                                    uint64_t count);

// A new, empty store with Φ registered and loaded.
struct FreshDatabase {
  std::unique_ptr<Database> database;
  std::unique_ptr<LazyBackbone> backbone;

  // In the new folder `path`; `loaded`: Φ if another database has loaded it, else null. Errors:
  // those of Database::Open and Backbone::Load; kNotFound names --backbone.
  static Result<FreshDatabase> Make(const BenchFlags& flags, const std::string& path,
                                    std::shared_ptr<Backbone> loaded);
  // Reads, decodes and embeds the images and commits them as collection "bench": a whole ingest.
  Status Ingest(const BenchImages& images);
};

// Decoded and resized to Φ's input. Errors: kInvalidArgument (an image that cannot be read).
Result<std::vector<Image>> DecodeBenchImages(const BenchImages& images,
                                             const BackboneRecord& backbone);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_IMAGES_H_
