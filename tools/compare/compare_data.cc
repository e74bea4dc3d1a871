#include "tools/compare/compare_data.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "engine/fitting/families.h"
#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

Result<TestSet> EmbedTest(Trials& trials, const std::vector<ImageItem>& items,
                          const std::string& op) {
  std::vector<ImageItem> labelled = items;
  std::erase_if(labelled, [](const ImageItem& item) { return item.label < 0; });
  AUGSTORE_ASSIGN(EmbeddedViews embedded, EmbedView(trials, labelled, op, "test images"));
  TestSet set;
  set.name = op.empty() ? "plain" : op;
  set.embeddings = std::move(embedded.views[0]);
  for (const size_t item : embedded.complete) set.labels.push_back(labelled[item].label);
  return set;
}

// Embeds the training samples, commits them to the trials and keeps their pixels for pixel space.
Status PrepareTraining(const CompareFlags& flags, const std::vector<ImageItem>& items,
                       Trials& trials, CompareData* data) {
  AUGSTORE_ASSIGN(Backbone * phi,
                  trials.backbone->Load());  // before the clock of the ingest starts
  const Progress clock("", "", 0, false);
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(*trials.source, *trials.backbone, items, std::nullopt,
                             "training images", trials.show_progress));
  data->ingest_seconds = clock.seconds();
  std::vector<SampleToWrite> samples;
  std::vector<RowId> rows;
  std::vector<ImageItem> kept;
  for (size_t i = 0; i < items.size(); ++i) {
    if (outcome.rows[i] == kNoRow) continue;
    samples.push_back({items[i].key, outcome.images[i], items[i].label, "train"});
    rows.push_back(outcome.rows[i]);
    kept.push_back(items[i]);
  }
  if (samples.empty()) return InvalidArgument("{} has no readable labelled images", flags.train);
  const bool feature_maps = std::ranges::any_of(flags.families, FamilyReadsFeatureMaps);
  AUGSTORE_ASSIGN(data->collection, CopyCollection(trials, "train", data->classes,
                                                   std::move(samples), rows, feature_maps));
  AUGSTORE_ASSIGN(DecodedImages decoded,
                  DecodeItems(kept, trials.space().input_height, trials.space().input_width,
                              flags.backbone.threads));
  for (const std::string& reason : decoded.reasons) {
    if (!reason.empty())
      return FailedPrecondition("an image changed while it was read: {}", reason);
  }
  data->images = std::move(decoded.images);
  if (outcome.embedded == data->images.size()) return OkStatus();
  // They were stored already: the cost of embedding them is measured again, on the same images.
  Matrix out(data->images.size(), phi->dim());
  const Progress again("", "", 0, false);
  AUGSTORE_TRY(phi->Embed(data->images, out.view()));
  data->ingest_seconds = again.seconds();
  return OkStatus();
}

}  // namespace

Result<CompareImages> SelectImages(const CompareFlags& flags) {
  CompareImages images;
  AUGSTORE_ASSIGN(images.all, ListImages(flags.train));
  AUGSTORE_ASSIGN(const ImageSource test, ListImages(flags.test));
  ImageSource base = images.all;
  if (!flags.base.empty()) {
    AUGSTORE_ASSIGN(base, ListImages(flags.base));
  }
  for (const size_t i : ChoosePerClass(images.all.items, flags.per_class, 0, 1))
    images.train.push_back(images.all.items[i]);
  images.base = SpreadItems(std::move(base.items), flags.base_limit);
  images.test = SpreadItems(test.items, flags.test_limit);
  for (ImageItem& item : images.test) {  // labels must mean what those of --train mean
    if (item.label < 0) continue;
    const std::string& name = test.classes[static_cast<size_t>(item.label)];
    const auto found = std::ranges::find(images.all.classes, name);
    if (found == images.all.classes.end()) {
      return InvalidArgument("test image {} is of class '{}', which no training image has",
                             item.key, name);
    }
    item.label = static_cast<int32_t>(found - images.all.classes.begin());
  }
  return images;
}

std::vector<size_t> ChoosePerClass(const std::vector<ImageItem>& items, uint32_t per_class,
                                   uint64_t seed, uint64_t draw) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (per_class == 0) return order;
  std::ranges::sort(order, {}, [=](size_t i) { return PhiloxBits(seed, RngUse::kSplit, draw, i); });
  std::map<int32_t, uint32_t> taken;
  std::vector<size_t> chosen;
  for (const size_t i : order) {
    if (items[i].label >= 0 && taken[items[i].label]++ < per_class) chosen.push_back(i);
  }
  std::ranges::sort(chosen);
  return chosen;
}

uint64_t ComparePhiCalls(const CompareFlags& flags, uint64_t train, uint64_t base, uint64_t test) {
  const uint64_t views = 1 + flags.ops.size();
  const uint64_t experiments = flags.joint ? 1 : flags.ops.size();
  const uint64_t pixel = flags.no_pixel ? 0 : train * flags.epochs * flags.seeds * experiments;
  return train + (base + test) * views + pixel;
}

Result<CompareData> PrepareData(const CompareFlags& flags, const CompareImages& images,
                                Trials& trials) {
  CompareData data;
  data.classes = images.all.classes;
  AUGSTORE_TRY(PrepareTraining(flags, images.train, trials, &data));
  std::vector<std::string> ops = {""};
  ops.insert(ops.end(), flags.ops.begin(), flags.ops.end());
  for (const std::string& op : ops) {
    AUGSTORE_ASSIGN(TestSet set, EmbedTest(trials, images.test, op));
    data.tests.push_back(std::move(set));
  }
  return data;
}

Result<EmbeddedViews> EmbedView(Trials& trials, const std::vector<ImageItem>& items,
                                const std::string& ops, const std::string& label) {
  std::optional<ImageOp> op;
  if (!ops.empty()) {
    AUGSTORE_ASSIGN(op, ImageOp::ParseSequence(ops));
  }
  return EmbedViews(*trials.source, *trials.backbone, items, {&op, 1},
                    {.label = label, .show_progress = trials.show_progress});
}

}  // namespace augstore
