#include "tools/bench/bench_images.h"

#include <filesystem>

#include "tools/bench/bench_data.h"
#include "tools/collection/collection_writer.h"
#include "tools/synth/synthetic_images.h"

namespace augstore {

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
  AUGSTORE_ASSIGN(fresh.database, Database::Open({.store = path, .connect = {}}, true));
  BackboneFlags backbone;
  backbone.file = flags.backbone;
  AUGSTORE_ASSIGN(fresh.backbone,
                  LazyBackbone::Open(backbone, fresh.database->client(), std::move(loaded)));
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
      samples.push_back({item.key, outcome.rows[i], item.label, "train"});
  }
  const BeginDraftRequest begin{.collection = "bench",
                                .backbone = backbone->record().digest,
                                .labels = {{"label", images.classes}},
                                .replace = true,
                                .source = "bench"};
  AUGSTORE_TRY(WriteCollection(database->client(), begin, samples));
  return OkStatus();
}

Result<std::vector<Image>> DecodeBenchImages(const BenchImages& images,
                                             const BackboneRecord& backbone) {
  DecodedImages decoded = DecodeItems(images.items, backbone.input_height, backbone.input_width, 0);
  for (const std::string& reason : decoded.reasons) {
    if (!reason.empty()) return InvalidArgument("{}: leave it out of --images", reason);
  }
  return std::move(decoded.images);
}

}  // namespace augstore
