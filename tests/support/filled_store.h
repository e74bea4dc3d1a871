// A small store for tests: one backbone, one collection of two splits, three transforms. What it
// holds is a function of `content` alone.
#ifndef AUGSTORE_TESTS_SUPPORT_FILLED_STORE_H_
#define AUGSTORE_TESTS_SUPPORT_FILLED_STORE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/store/memory_store.h"
#include "storage/store/store.h"

namespace augstore {

inline constexpr uint32_t kTestDim = 8;
inline constexpr uint64_t kTestTrain = 800;  // samples of split "train"; then come those of "test"
inline constexpr uint64_t kTestSamples = 1000;
inline constexpr int32_t kTestClasses = 10;

inline Digest TestBackbone() {
  Digest digest;
  digest.bytes.fill(0xb0);
  return digest;
}

inline ContentHash TestImage(uint64_t index, uint64_t content = 0) {
  ContentHash hash;
  for (size_t i = 0; i < 8; ++i) hash.bytes[i] = static_cast<uint8_t>(index >> (8 * i));
  hash.bytes[8] = static_cast<uint8_t>(content);
  return hash;
}

// Element `column` of the embedding of sample `index`: small numbers that float32 holds exactly.
inline float TestValue(uint64_t index, size_t column, uint64_t content = 0) {
  return static_cast<float>(((index + 1) * 37 + column * 11 + content * 5) % 251) / 4;
}

inline Matrix TestEmbeddings(uint64_t begin, uint64_t count, uint64_t content = 0) {
  Matrix matrix(count, kTestDim);
  for (uint64_t i = 0; i < count; ++i) {
    for (size_t column = 0; column < kTestDim; ++column) {
      matrix.row(i)[column] = TestValue(begin + i, column, content);
    }
  }
  return matrix;
}

// Element `value` of the feature map of sample `index`, 2 x 1 x 2: bytes hold these numbers
// exactly.
inline constexpr FeatureMapShape kTestMap{2, 1, 2};
inline float TestFeatureMapValue(uint64_t index, size_t value) {
  const float values[] = {static_cast<float>(index % 251), 0, 255, 3};
  return values[value];
}

inline Matrix TestFeatureMaps(uint64_t begin, uint64_t count) {
  Matrix feature_maps(count, kTestMap.values());
  for (uint64_t i = 0; i < count; ++i) {
    for (size_t v = 0; v < feature_maps.cols(); ++v)
      feature_maps.row(i)[v] = TestFeatureMapValue(begin + i, v);
  }
  return feature_maps;
}

// y = scale * x + offset
inline Layers ScalingLayers(float scale, float offset, uint32_t dim = kTestDim) {
  Layer layer;
  layer.shape = {dim, dim, Activation::kNone, false};
  layer.weight.assign(size_t{dim} * dim, 0);
  for (size_t i = 0; i < dim; ++i) layer.weight[i * dim + i] = scale;
  layer.bias.assign(dim, offset);
  return Layers{{layer}};
}

inline TransformRecord TestTransform(const Layers& layers) {
  TransformRecord record;
  record.backbone = TestBackbone();
  record.dim = kTestDim;
  record.family = "custom";
  record.layers = layers.shapes();
  const std::string blob = layers.ToSafetensors();
  record.weights = Sha256({reinterpret_cast<const uint8_t*>(blob.data()), blob.size()});
  CardEntry entry;  // good enough for an alias
  entry.data = "held-out";
  entry.r2 = 0.5;
  entry.r2_low = 0.25;
  entry.r2_high = 0.75;
  record.card.entries = {entry};
  return record;
}

inline BackboneRecord TestBackboneRecord() {
  BackboneRecord record;
  record.digest = TestBackbone();
  record.dim = kTestDim;
  record.source = "test";
  record.feature_map = kTestMap;
  return record;
}

// Of the images with these numbers.
inline SampleChunk TestSamples(const std::vector<uint64_t>& images, uint64_t content = 0) {
  SampleChunk chunk;
  chunk.split_names = {"train", "test"};
  chunk.labels.resize(1);
  for (uint64_t i = 0; i < images.size(); ++i) {
    chunk.images.push_back(TestImage(images[i], content));
    chunk.splits.push_back(i < kTestTrain ? 0 : 1);
    chunk.labels[0].push_back(static_cast<int32_t>(i % kTestClasses));
    chunk.keys.push_back("image" + std::to_string(i) + ".png");
  }
  return chunk;
}

inline std::vector<LabelColumn> TestLabels() {
  LabelColumn column{"label", {}};
  for (int i = 0; i < kTestClasses; ++i) column.classes.push_back("class" + std::to_string(i));
  return {column};
}

// Backbone "phi", collection "toy@1", transforms "double@1" (2x), "shift@1" (x + 1) and "shift@2"
// (x + 3).
inline Status FillCatalog(Catalog& catalog, uint64_t content = 0) {
  AUGSTORE_TRY(catalog.AddBackbone("phi", TestBackboneRecord()));
  AUGSTORE_ASSIGN(const SpaceId space, catalog.store()->OpenSpace(TestBackbone(), kTestDim));
  std::vector<ContentHash> images;
  for (uint64_t i = 0; i < kTestSamples; ++i) images.push_back(TestImage(i, content));
  std::vector<RowId> rows(kTestSamples);
  const Matrix embeddings = TestEmbeddings(0, kTestSamples, content);
  const QuantizedRows feature_maps = QuantizeRows(TestFeatureMaps(0, kTestSamples).view());
  AUGSTORE_TRY(
      catalog.store()->AppendRows(space, images, embeddings.view(), rows, feature_maps.view()));
  AUGSTORE_ASSIGN(const OpenDraft draft,
                  catalog.BeginDraft({"toy", TestBackbone(), TestLabels(), false, "test"}));
  std::vector<uint64_t> numbers(kTestSamples);
  std::iota(numbers.begin(), numbers.end(), uint64_t{0});
  AUGSTORE_TRY(catalog.AppendSamples(draft.draft, TestSamples(numbers, content)));
  AUGSTORE_TRY(catalog.CommitDraft(draft.draft, kTestSamples));
  const std::pair<std::string, Layers> transforms[] = {{"double", ScalingLayers(2, 0)},
                                                       {"shift", ScalingLayers(1, 1)},
                                                       {"shift", ScalingLayers(1, 3)}};
  for (const auto& [name, layers] : transforms) {
    AUGSTORE_TRY(catalog.AddTransform(name, TestTransform(layers), layers.ToSafetensors()));
  }
  return OkStatus();
}

// "upside@1" reads the map upside down and adds its third value, which is the first one of the map
// as it is stored, to every dimension of z.
inline Status AddSpatialTransform(Catalog& catalog) {
  TransformWeights weights;
  weights.front = SpatialFront{kTestMap, 2, 1, {0, 1, 1, 0}, {}};
  Layer layer;
  layer.shape = {kTestDim + 4, kTestDim, Activation::kNone, false};
  layer.weight.assign(size_t{kTestDim + 4} * kTestDim, 0);
  for (size_t i = 0; i < kTestDim; ++i) {
    layer.weight[i * (kTestDim + 4) + i] = 1;
    layer.weight[i * (kTestDim + 4) + kTestDim + 2] = 1;
  }
  layer.bias.assign(kTestDim, 0);
  weights.layers.layers.push_back(std::move(layer));
  TransformRecord record = TestTransform(weights.layers);
  record.weights = {};
  return catalog.AddTransform("upside", record, weights.ToSafetensors()).status();
}

// The next version of "mixing": every element of y is z's own and a little of all others. Its card
// says what int8 costs it.
inline Status AddMixingTransform(Catalog& catalog, double int8_price) {
  Layers layers = ScalingLayers(1, 0.5F);
  std::vector<float>& weight = layers.layers[0].weight;
  for (size_t i = 0; i < weight.size(); ++i) weight[i] += static_cast<float>(i % 7) / 64 - 0.04F;
  TransformRecord record = TestTransform(layers);
  record.card.measures = {{"int8_loss", int8_price}};
  return catalog.AddTransform("mixing", record, layers.ToSafetensors()).status();
}

inline constexpr uint32_t kWideDim = 8192;
inline constexpr uint64_t kWideSamples = 512;

// Collection "wide@1" of another backbone: an epoch of it is 16 MiB, more than a Unix socket holds
// on the way.
inline Status AddWideCollection(Catalog& catalog) {
  Digest backbone;
  backbone.bytes.fill(0xfd);
  AUGSTORE_ASSIGN(const SpaceId space, catalog.store()->OpenSpace(backbone, kWideDim));
  Matrix embeddings(kWideSamples, kWideDim);
  SampleChunk chunk;
  chunk.split_names = {"all"};
  chunk.splits.assign(kWideSamples, 0);
  std::vector<ContentHash> images;
  for (uint64_t i = 0; i < kWideSamples; ++i) {
    std::ranges::fill(embeddings.row(i), static_cast<float>(i));
    images.push_back(TestImage(i));
    chunk.keys.push_back(std::to_string(i));
  }
  std::vector<RowId> rows(kWideSamples);
  AUGSTORE_TRY(catalog.store()->AppendRows(space, images, embeddings.view(), rows));
  chunk.images = images;
  AUGSTORE_ASSIGN(const OpenDraft draft, catalog.BeginDraft({"wide", backbone, {}, false, "test"}));
  AUGSTORE_TRY(catalog.AppendSamples(draft.draft, chunk));
  AUGSTORE_TRY(catalog.CommitDraft(draft.draft, kWideSamples));
  return OkStatus();
}

struct FilledStore {
  // Failures end the test program: nothing can be tested without a store.
  explicit FilledStore(uint64_t content = 0) : store(NewMemoryStore()), catalog(Open(store.get())) {
    const Status filled = FillCatalog(*catalog, content);
    EXPECT_TRUE(filled.ok()) << filled.ToString();
  }

  const std::unique_ptr<Store> store;
  const std::unique_ptr<Catalog> catalog;

 private:
  static std::unique_ptr<Catalog> Open(Store* store) {
    Result<std::unique_ptr<Catalog>> opened = Catalog::Open(store);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    return std::move(opened).value();
  }
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_FILLED_STORE_H_
