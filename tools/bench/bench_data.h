// Synthetic embeddings, networks, stores and images for `augstore bench`, and the folder that they
// live in.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_DATA_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_DATA_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/engine.h"
#include "schemas/weights/layers.h"
#include "storage/store/store.h"
#include "tools/bench/bench_report.h"
#include "tools/collection/embedder.h"

namespace augstore {

// A new folder, removed with everything in it.
class ScratchFolder {
 public:
  // Below flags.scratch, or the system's temporary folder. Errors: kUnavailable.
  static Result<std::unique_ptr<ScratchFolder>> Make(const BenchFlags& flags);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Fills with numbers in [-1, 1), the same for equal arguments.
void FillRandom(uint64_t seed, MatrixView out);
Matrix RandomRows(size_t rows, size_t dim, uint64_t seed);
// The networks of the families paper_mlp (d -> 2d with ReLU -> d) and affine (d -> d), with random
// weights: the cost of a network does not depend on them.
Layers PaperNetwork(uint32_t dim, uint64_t seed);
Layers AffineNetwork(uint32_t dim, uint64_t seed);

// One worker of an engine, with rows of its own.
struct EngineWorker {
  EngineWorker(std::unique_ptr<Engine> the_engine, NetworkPtr the_network, size_t rows,
               uint64_t seed);
  Status Apply() { return engine->Apply(network, in.view(), out.view()); }

  NetworkPtr network;
  Matrix in;
  Matrix out;
  std::unique_ptr<Engine> engine;
};

// `count` row numbers below `rows`, in random order; each once before any comes again.
std::vector<RowId> ShuffledRows(uint64_t rows, size_t count, uint64_t seed);

inline constexpr uint32_t kSyntheticClasses = 10;
// Name of PaperNetwork in a synthetic store, and the policy that applies it to every row. It names
// the version, because a transform without a card has none that is proven.
inline constexpr const char* kSyntheticTransform = "paper_mlp";
inline constexpr const char* kSyntheticPolicy = "paper_mlp@1";

// Of the first `rows` rows that the store has in a dtype.
struct SyntheticCollection {
  std::string name;
  uint64_t rows = 0;
  Dtype dtype = Dtype::kF32;
};

// Makes a store in the new folder `path`: as many random rows as the largest collection of each
// dtype has, the collections, and the transform kSyntheticTransform. Row i of the space is RowId i.
// Errors: those of the store; kUnavailable "interrupted".
Status MakeSyntheticStore(const BenchFlags& flags, const std::string& path,
                          const std::vector<SyntheticCollection>& collections);
// The digest of the backbone of synthetic stores.
Digest SyntheticBackbone();

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

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_DATA_H_
