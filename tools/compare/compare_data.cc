#include "tools/compare/compare_data.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "engine/fitting/families.h"
#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"
#include "tools/collection/embedder.h"

namespace augstore {
namespace {

// The first `per_class` items of each class in a fixed random order: another machine picks the
// same.
std::vector<ImageItem> SelectPerClass(const std::vector<ImageItem>& items, uint32_t per_class) {
  if (per_class == 0) return items;
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [](size_t a, size_t b) {
    return PhiloxBits(0, RngUse::kSplit, 1, a) < PhiloxBits(0, RngUse::kSplit, 1, b);
  });
  std::map<int32_t, uint32_t> taken;
  std::vector<size_t> chosen;
  for (const size_t i : order) {
    if (items[i].label >= 0 && taken[items[i].label]++ < per_class) chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<ImageItem> out;
  for (const size_t i : chosen) out.push_back(items[i]);
  return out;
}

// Test labels must mean what the training labels mean.
Status RelabelByClassName(const ImageSource& source, const std::vector<std::string>& classes,
                          std::vector<ImageItem>* items) {
  for (ImageItem& item : *items) {
    if (item.label < 0) continue;
    const std::string& name = source.classes[static_cast<size_t>(item.label)];
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      return InvalidArgument("test image {} is of class '{}', which no training image has",
                             item.key, name);
    }
    item.label = static_cast<int32_t>(found - classes.begin());
  }
  return OkStatus();
}

Result<TestSet> EmbedTest(const CompareFlags& flags, Database& database, LazyBackbone& backbone,
                          const std::vector<ImageItem>& items, const std::string& op_text) {
  std::optional<ImageOp> op;
  if (!op_text.empty()) {
    AUGSTORE_ASSIGN(op, ImageOp::Parse(op_text));
  }
  std::vector<ImageItem> labelled = items;
  std::erase_if(labelled, [](const ImageItem& item) { return item.label < 0; });
  AUGSTORE_ASSIGN(EmbeddedViews embedded,
                  EmbedViews(database, backbone, labelled, {&op, 1},
                             {.label = "test images", .show_progress = !flags.common.quiet}));
  TestSet set;
  set.name = op_text.empty() ? "plain" : op_text;
  set.embeddings = std::move(embedded.views[0]);
  for (const size_t item : embedded.complete) set.labels.push_back(labelled[item].label);
  return set;
}

// Embeds the training samples, commits them to the trials and keeps their pixels for pixel space.
Status PrepareTraining(const CompareFlags& flags, Database& database, LazyBackbone& backbone,
                       Trials& trials, const std::vector<ImageItem>& items, CompareData* data) {
  const Progress clock("", "", 0, false);
  AUGSTORE_ASSIGN(const EmbedOutcome outcome, EmbedItems(database, backbone, items, std::nullopt,
                                                         "training images", !flags.common.quiet));
  data->ingest_seconds = clock.seconds();
  data->train_embedded = outcome.embedded;
  std::vector<SampleToWrite> samples;
  std::vector<ImageItem> kept;
  for (size_t i = 0; i < items.size(); ++i) {
    if (outcome.rows[i] == kNoRow) continue;
    samples.push_back({items[i].key, outcome.rows[i], items[i].label, "train"});
    kept.push_back(items[i]);
  }
  if (samples.empty()) return InvalidArgument("{} has no readable labelled images", flags.train);
  const bool feature_maps = std::ranges::any_of(flags.families, FamilyReadsFeatureMaps);
  AUGSTORE_ASSIGN(data->collection,
                  CopyCollection(database.client(), trials, backbone.record(), "train",
                                 data->classes, std::move(samples), feature_maps));
  DecodedImages decoded = DecodeItems(kept, backbone.record().input_height,
                                      backbone.record().input_width, flags.backbone.threads);
  for (const std::string& reason : decoded.reasons) {
    if (!reason.empty())
      return FailedPrecondition("an image changed while it was read: {}", reason);
  }
  data->images = std::move(decoded.images);
  return OkStatus();
}

}  // namespace

Result<CompareData> PrepareData(const CompareFlags& flags, Database& database,
                                LazyBackbone& backbone, Trials& trials) {
  CompareData data;
  AUGSTORE_TRY(backbone.Load());  // before the clock of the ingest starts
  AUGSTORE_ASSIGN(const ImageSource train, ListImages(flags.train));
  AUGSTORE_ASSIGN(const ImageSource test, ListImages(flags.test));
  data.classes = train.classes;
  AUGSTORE_TRY(PrepareTraining(flags, database, backbone, trials,
                               SelectPerClass(train.items, flags.per_class), &data));
  if (flags.base.empty()) {
    data.base = SpreadItems(train.items, flags.base_limit);
  } else {
    AUGSTORE_ASSIGN(ImageSource base, ListImages(flags.base));
    data.base = SpreadItems(std::move(base.items), flags.base_limit);
  }
  data.test = SpreadItems(test.items, flags.test_limit);
  AUGSTORE_TRY(RelabelByClassName(test, data.classes, &data.test));
  AUGSTORE_ASSIGN(TestSet plain, EmbedTest(flags, database, backbone, data.test, ""));
  data.tests.push_back(std::move(plain));
  for (const std::string& op : flags.ops) {
    AUGSTORE_ASSIGN(TestSet shifted, EmbedTest(flags, database, backbone, data.test, op));
    data.tests.push_back(std::move(shifted));
  }
  return data;
}

}  // namespace augstore
