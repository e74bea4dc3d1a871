// One value of every record, with no field at its default.
#ifndef AUGSTORE_TESTS_SCHEMAS_RECORDS_RECORD_SAMPLES_H_
#define AUGSTORE_TESTS_SCHEMAS_RECORDS_RECORD_SAMPLES_H_

#include "schemas/records/keys.h"
#include "schemas/records/records.h"

namespace augstore::samples {

inline Digest MakeDigest(uint8_t first) {
  Digest digest;
  for (size_t i = 0; i < digest.bytes.size(); ++i)
    digest.bytes[i] = static_cast<uint8_t>(first + i);
  return digest;
}

inline ContentHash MakeImage(uint8_t first) {
  ContentHash image;
  for (size_t i = 0; i < image.bytes.size(); ++i) image.bytes[i] = static_cast<uint8_t>(first + i);
  return image;
}

inline std::vector<LabelColumn> Labels() {
  return {{"label", {"cat", "", "dog"}}, {"empty", {}}, {"colour", {"red"}}};
}

inline SampleChunk Chunk() {
  SampleChunk chunk;
  chunk.rows = {7, 9, kNoRow - 1};
  chunk.split_names = {"train", "test"};
  chunk.splits = {1, 0, 1};
  chunk.labels = {{-1, 0, 2}, {5, 6, 7}};
  chunk.keys = {"a/b.png", "", "c d.jpg"};
  chunk.images = {MakeImage(1), MakeImage(2), MakeImage(3)};
  chunk.views = {5, kNoRow, 6, 7, 8, 9};
  return chunk;
}

inline ChunkTable Table() {
  return {{3, 12},  {7, uint64_t{1} << 40}, {4096, 1}, {MakeDigest(11), MakeDigest(12)}, {5, ~0ull},
          {4095, 1}};
}

inline std::vector<ViewSet> ViewSets() {
  return {{"rotate(-30..30)>brightness(0.7..1.4)", 2, uint64_t{1} << 63}, {"vflip", 1, 0}};
}

inline ChunkSummary Summary() { return {{~0ull, 5}, {6, uint64_t{1} << 63}}; }

inline BackboneRecord Backbone() {
  BackboneRecord record;
  record.digest = MakeDigest(1);
  record.dim = 512;
  record.input_height = 224;
  record.input_width = 192;
  record.mean = {0.25f, 0.5f, 0.75f};
  record.stddev = {0.125f, 1.5f, 2.5f};
  record.source = "resnet18.pt";
  record.multiply_adds = 1814073344;
  record.created_unix_s = 1700000001;
  record.feature_map = {8, 7, 128};
  record.way = {BackboneForm::kOptimised, true, 32, 152.5, 1.25e-6};
  record.normalised = true;
  return record;
}

inline CollectionRecord Collection() {
  CollectionRecord record;
  record.backbone = MakeDigest(2);
  record.dim = 64;
  record.samples = 70000;
  record.sample_list = 12;
  record.labels = Labels();
  record.splits = {{"train", 60000}, {"", 1}, {"test", 10000}};
  record.digest = MakeDigest(3);
  record.source = "/data/cifar";
  record.created_unix_s = -5;
  record.dtype = Dtype::kU8;
  record.lists = {3, 12};
  record.views = ViewSets();
  record.viewed = 69999;
  return record;
}

inline Card MakeCard() {
  Card card;
  card.entries = {
      {"held-out", 100, 0.5, 1.5, 0.625, 0.75, 0.875, 0.9375, 0.5, 0.75, 50, 0.25, 0.125, 0.375},
      {"/data/x", 2, -1, 3, -4, 5, 6, 7, -5, -3, 1, 8, 9, 10}};
  card.candidates = {{"affine", 0.25, 0.125, 0.375, 1.5, 262144, 0.75, "lambda=0.1"},
                     {"mlp", -1, -2, -0.5, 3, 1048576, 12, ""}};
  card.measures = {{"us_per_row", 12.5}, {"inverse_r2", -0.25}};
  card.train_pairs = 900;
  card.seed = 11;
  card.train_seconds = 2.5;
  card.multiply_adds = 1048576;
  card.notes = "lambda=3.2";
  return card;
}

inline TransformRecord Transform() {
  TransformRecord record;
  record.backbone = MakeDigest(4);
  record.dim = 512;
  record.op = "rotate(15)";
  record.family = "residual";
  record.layers = {{512, 1024, Activation::kRelu, false},
                   {1024, 512, Activation::kNone, true},
                   {512, 512, Activation::kRelu, true, LayerKind::kDiagonal}};
  record.weights = MakeDigest(5);
  record.card = MakeCard();
  record.created_unix_s = 1700000002;
  record.feature_map = {6, 5, 64};
  return record;
}

inline StreamSpec Spec() {
  return {"cifar10@2", "train",     "identity:1,hflip@3:1", "label", 5, 128, 3, 4, false, true,
          4096,        Dtype::kF16, Precision::kInt8};
}

inline HeadRecord Head() {
  HeadRecord record;
  record.backbone = MakeDigest(6);
  record.dim = 512;
  record.arch = "mlp(1024,128)";
  record.classes = {"cat", "dog"};
  record.layers = {{512, 2, Activation::kRelu, true}};
  record.weights = MakeDigest(7);
  record.lineage = {Spec(), MakeDigest(8), {MakeDigest(9), MakeDigest(10)}, 21, 22, "adamw", 0.001,
                    0.01,   "cifar10@1"};
  record.train_loss = 0.5;
  record.test_accuracy = 0.75;
  record.test_loss = 0.625;
  record.test_split = "test";
  record.test_samples = 10000;
  record.created_unix_s = 1700000003;
  return record;
}

inline AliasHistory Aliases() {
  return {
      {{"champion", 1, "first", 100}, {"old", 2, "", 200}, {"champion", 3, "better", -1, true}}};
}

inline KeyRecord KeyOfAccess() {
  KeyRecord record;
  record.secret = MakeDigest(11);
  record.role = Role::kWrite;
  record.scope = "cifar10 imagenet*";
  record.note = "of the lab";
  record.created_unix_s = 1700000004;
  record.expires_unix_s = 1800000000;
  record.revoked_unix_s = 1750000000;
  record.previous = MakeDigest(12);
  record.previous_until_unix_s = 1740000000;
  return record;
}

inline ErasureRecord Erasure() { return {3, 1700000005}; }

}  // namespace augstore::samples

#endif  // AUGSTORE_TESTS_SCHEMAS_RECORDS_RECORD_SAMPLES_H_
