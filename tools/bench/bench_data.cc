#include "tools/bench/bench_data.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "engine/math/permutation.h"
#include "engine/transforms/precision.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tools/collection/collection_writer.h"
#include "tools/synth/synthetic_images.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRowsPerAppend = 16 * kSegmentRows;

// SplitMix64: neighbouring counters have unrelated results.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

Layer RandomLayer(uint32_t in, uint32_t out, Activation activation, uint64_t seed) {
  Layer layer;
  layer.shape = {in, out, activation, false};
  layer.weight.resize(size_t{in} * out);
  layer.bias.resize(out);
  FillRandom(seed, {layer.weight.data(), out, in});
  FillRandom(seed + 1, {layer.bias.data(), 1, out});
  const float scale = 1.0f / std::sqrt(static_cast<float>(in));  // outputs stay of the inputs' size
  for (float& weight : layer.weight) weight *= scale;
  return layer;
}

ContentHash SyntheticImage(uint64_t row) {
  const uint64_t halves[2] = {Mix(row), row};
  ContentHash image;
  std::memcpy(image.bytes.data(), halves, sizeof(halves));
  return image;
}

Status AppendSyntheticRows(const BenchFlags& flags, Store& store, uint64_t count, Dtype dtype) {
  AUGSTORE_ASSIGN(const SpaceId space, store.OpenSpace(SyntheticBackbone(), flags.dim, dtype));
  Matrix part(std::min(count, kRowsPerAppend), flags.dim);
  for (uint64_t begin = 0; begin < count; begin += kRowsPerAppend) {
    if (Interrupted()) return InterruptedStatus("scratch stores are removed: run it again");
    const size_t rows = std::min(kRowsPerAppend, count - begin);
    FillRandom(flags.seed + begin, part.view().Slice(0, rows));
    std::vector<ContentHash> images(rows);
    for (size_t i = 0; i < rows; ++i) images[i] = SyntheticImage(begin + i);
    std::vector<RowId> ids(rows);
    AUGSTORE_TRY(store.AppendRows(space, images, part.view().Slice(0, rows), ids));
    AUGSTORE_CHECK(ids.front() == begin && ids.back() == begin + rows - 1);
  }
  return OkStatus();
}

Status WriteSyntheticCollection(Catalog& catalog, const SyntheticCollection& collection) {
  LabelColumn labels{"label", {}};
  for (uint32_t c = 0; c < kSyntheticClasses; ++c) labels.classes.push_back(fmt::format("{}", c));
  AUGSTORE_ASSIGN(const OpenDraft draft, catalog.BeginDraft({.collection = collection.name,
                                                             .backbone = SyntheticBackbone(),
                                                             .labels = {labels},
                                                             .source = "bench",
                                                             .dtype = collection.dtype}));
  for (uint64_t begin = 0; begin < collection.rows; begin += kSampleChunkRows) {
    if (Interrupted()) return InterruptedStatus("scratch stores are removed: run it again");
    const uint64_t end = std::min<uint64_t>(collection.rows, begin + kSampleChunkRows);
    SampleChunk chunk;
    chunk.split_names = {"train"};
    chunk.labels.resize(1);
    for (uint64_t i = begin; i < end; ++i) {
      chunk.images.push_back(SyntheticImage(i));
      chunk.splits.push_back(0);
      chunk.labels[0].push_back(static_cast<int32_t>(i % kSyntheticClasses));
      chunk.keys.push_back(fmt::format("{}", i));
    }
    AUGSTORE_TRY(catalog.AppendSamples(draft.draft, chunk));
  }
  for (;;) {
    AUGSTORE_ASSIGN(const CommitOutcome outcome, catalog.CommitDraft(draft.draft, collection.rows));
    if (!std::holds_alternative<DraftProgress>(outcome)) return OkStatus();
  }
}

// The measures of the card that streams read.
Result<std::vector<CardMeasure>> LossOf(const Layers& layers, uint64_t seed) {
  TransformWeights weights;
  weights.layers = layers;
  const Matrix z = RandomRows(kSegmentRows, layers.dim_in(), seed);
  Matrix mapped(z.rows(), layers.dim_out());
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(weights));
  AUGSTORE_TRY(ApplyTransform(weights, {z.view()}, mapped.view()));
  return MeasureLosses(step, {z.view()}, std::as_const(mapped).view());
}

Status AddPaperNetwork(const BenchFlags& flags, Catalog& catalog) {
  const Layers layers = PaperNetwork(flags.dim, flags.seed);
  TransformRecord record;
  record.backbone = SyntheticBackbone();
  record.dim = flags.dim;
  record.family = "custom";
  AUGSTORE_ASSIGN(record.card.measures, LossOf(layers, flags.seed));
  return catalog.AddTransform(kSyntheticTransform, record, layers.ToSafetensors()).status();
}

}  // namespace

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::Make(const BenchFlags& flags) {
  std::error_code error;
  const fs::path parent =
      flags.scratch.empty() ? fs::temp_directory_path(error) : fs::path(flags.scratch);
  if (!flags.scratch.empty()) fs::create_directories(parent, error);
  if (error) return Unavailable("scratch folder {}: {}", parent.string(), error.message());
  std::string pattern = (parent / "augstore-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return Unavailable("a folder in {} cannot be made: {}; name another with --scratch",
                       parent.string(), std::strerror(errno));
  }
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(pattern)));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void FillRandom(uint64_t seed, MatrixView out) {
  const uint64_t base = Mix(seed);
  const size_t count = out.rows * out.cols;
  for (size_t i = 0; i < count; ++i) {
    out.data[i] = static_cast<float>(static_cast<int32_t>(Mix(base + i) >> 32)) / 2147483648.0f;
  }
}

Matrix RandomRows(size_t rows, size_t dim, uint64_t seed) {
  Matrix matrix(rows, dim);
  FillRandom(seed, matrix.view());
  return matrix;
}

Layers PaperNetwork(uint32_t dim, uint64_t seed) {
  return Layers{{RandomLayer(dim, 2 * dim, Activation::kRelu, seed),
                 RandomLayer(2 * dim, dim, Activation::kNone, seed + 2)}};
}

Layers AffineNetwork(uint32_t dim, uint64_t seed) {
  return Layers{{RandomLayer(dim, dim, Activation::kNone, seed)}};
}

EngineWorker::EngineWorker(std::unique_ptr<Engine> the_engine, NetworkPtr the_network, size_t rows,
                           uint64_t seed)
    : network(std::move(the_network)),
      in(RandomRows(rows, network->layers.dim_in(), seed)),
      out(rows, network->layers.dim_out()),
      engine(std::move(the_engine)) {}

std::vector<RowId> ShuffledRows(uint64_t rows, size_t count, uint64_t seed) {
  std::vector<RowId> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = Permutation(rows, seed, i / rows).At(i % rows);
  return out;
}

Digest SyntheticBackbone() {
  constexpr std::string_view kName = "augstore bench";
  return Sha256({reinterpret_cast<const uint8_t*>(kName.data()), kName.size()});
}

Status MakeSyntheticStore(const BenchFlags& flags, const std::string& path,
                          const std::vector<SyntheticCollection>& collections) {
  std::map<Dtype, uint64_t> rows;
  for (const SyntheticCollection& collection : collections) {
    rows[collection.dtype] = std::max(rows[collection.dtype], collection.rows);
  }
  AUGSTORE_ASSIGN(const std::unique_ptr<Store> store,
                  OpenRocksDbStore(path, {.memory_budget_bytes = 16u << 20}));
  AUGSTORE_ASSIGN(const std::unique_ptr<Catalog> catalog, Catalog::Open(store.get()));
  BackboneRecord backbone;
  backbone.digest = SyntheticBackbone();
  backbone.dim = flags.dim;
  backbone.source = "bench";
  AUGSTORE_TRY(catalog->AddBackbone("synthetic", backbone));
  for (const auto& [dtype, count] : rows) {
    AUGSTORE_TRY(AppendSyntheticRows(flags, *store, count, dtype));
  }
  for (const SyntheticCollection& collection : collections) {
    AUGSTORE_TRY(WriteSyntheticCollection(*catalog, collection));
  }
  return AddPaperNetwork(flags, *catalog);
}

Result<BenchImages> MakeBenchImages(const BenchFlags& flags, const std::string& folder,
                                    uint64_t count) {
  std::string images = flags.images;
  if (images.empty()) {
    images = folder + "/images";
    const auto classes = static_cast<uint64_t>(SyntheticClasses().size());
    const auto per_class = static_cast<uint32_t>((count + classes - 1) / classes);
    AUGSTORE_TRY(WriteSyntheticImages(images, {.seed = flags.seed, .per_class = per_class}));
  }
  AUGSTORE_ASSIGN(ImageSource source, ListImages(images));
  return BenchImages{SpreadItems(std::move(source.items), count), std::move(source.classes)};
}

Result<FreshDatabase> FreshDatabase::Make(const BenchFlags& flags, const std::string& path,
                                          std::shared_ptr<Backbone> loaded) {
  if (!std::filesystem::exists(flags.backbone)) {
    return NotFound("there is no backbone file '{}': name a TorchScript file with --backbone",
                    flags.backbone);
  }
  FreshDatabase fresh;
  AUGSTORE_ASSIGN(fresh.database,
                  Database::Open({.store = path, .connect = {}}, StoreAccess::kCreate));
  BackboneFlags backbone;
  backbone.file = flags.backbone;
  AUGSTORE_ASSIGN(fresh.backbone,
                  LazyBackbone::Open(backbone, fresh.database->client(), false, std::move(loaded)));
  AUGSTORE_TRY(fresh.backbone->Load());
  return fresh;
}

Status FreshDatabase::Ingest(const BenchImages& images) {
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(*database, *backbone, images.items, std::nullopt, "", false));
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < images.items.size(); ++i) {
    const ImageItem& item = images.items[i];
    if (outcome.rows[i] != kNoRow)
      samples.push_back({item.key, outcome.images[i], item.label, "train"});
  }
  const BeginDraftRequest begin{.collection = "bench",
                                .backbone = backbone->record().digest,
                                .labels = {{"label", images.classes}},
                                .start_empty = true,
                                .source = "bench"};
  return WriteCollection(database->client(), begin, samples).status();
}

Result<std::vector<Image>> DecodeBenchImages(const BenchImages& images,
                                             const BackboneRecord& backbone) {
  AUGSTORE_ASSIGN(DecodedImages decoded,
                  DecodeItems(images.items, backbone.input_height, backbone.input_width, 0));
  for (const std::string& reason : decoded.reasons) {
    if (!reason.empty()) return InvalidArgument("{}: leave it out of --images", reason);
  }
  return std::move(decoded.images);
}

}  // namespace augstore
