#include "tools/paper/paper_data.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/fitting/families.h"
#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"
#include "tools/collection/embedder.h"

namespace augstore {
namespace {

constexpr uint32_t kOneInValidation = 3;  // of the test images

std::vector<ImageItem> Labelled(const ImageSource& source,
                                const std::vector<std::string>& classes) {
  std::vector<ImageItem> items;
  for (ImageItem item : source.items) {
    if (item.label < 0) continue;
    const auto found = std::ranges::find(classes, source.classes[static_cast<size_t>(item.label)]);
    if (found == classes.end()) continue;
    item.label = static_cast<int32_t>(found - classes.begin());
    items.push_back(std::move(item));
  }
  return items;
}

// Adds the validation and the test part of the test images under one op.
Status AddTests(const PaperFlags& flags, Database& database, LazyBackbone& backbone,
                const std::vector<ImageItem>& items, const std::string& op, PaperData* data) {
  AUGSTORE_ASSIGN(const Matrix all,
                  EmbedView(flags, database, backbone, items, op, "test images", nullptr));
  for (const bool validation : {true, false}) {
    TestSet set;
    set.name = (validation ? "validation " : "test ") + (op.empty() ? "plain" : op);
    std::vector<size_t> chosen;
    for (size_t i = 0; i < items.size(); ++i) {
      const bool drawn = PhiloxU64(0, RngUse::kSplit, 2, i) % kOneInValidation == 0;
      if (drawn == validation) chosen.push_back(i);
    }
    set.embeddings = Matrix(chosen.size(), all.cols());
    for (size_t i = 0; i < chosen.size(); ++i) {
      std::ranges::copy(all.row(chosen[i]), set.embeddings.row(i).begin());
      set.labels.push_back(items[chosen[i]].label);
    }
    data->tests.push_back(std::move(set));
  }
  return OkStatus();
}

// Images per second of Φ on images in memory, as training in pixel space runs it.
Result<double> PixelPhiRate(const PaperFlags& flags, LazyBackbone& backbone,
                            const std::vector<ImageItem>& items) {
  const std::span few(items.data(), std::min<size_t>(items.size(), 1024));
  const DecodedImages decoded = DecodeItems(few, backbone.record().input_height,
                                            backbone.record().input_width, flags.backbone.threads);
  AUGSTORE_ASSIGN(Backbone * phi, backbone.Load());
  Matrix out(few.size(), phi->dim());
  AUGSTORE_TRY(phi->Embed(decoded.images, out.view()));  // not counted
  const Progress clock("", "", 0, false);
  AUGSTORE_TRY(phi->Embed(decoded.images, out.view()));
  return static_cast<double>(few.size()) / clock.seconds();
}

}  // namespace

Result<Matrix> EmbedView(const PaperFlags& flags, Database& database, LazyBackbone& backbone,
                         const std::vector<ImageItem>& items, const std::string& ops,
                         const std::string& what, std::vector<RowId>* rows) {
  std::optional<ImageOp> op;
  if (!ops.empty()) {
    AUGSTORE_ASSIGN(op, ImageOp::ParseSequence(ops));
  }
  AUGSTORE_ASSIGN(EmbeddedViews embedded,
                  EmbedViews(database, backbone, items, {&op, 1},
                             {.label = what, .show_progress = !flags.common.quiet}));
  if (!embedded.skipped.empty()) {
    return InvalidArgument("{} cannot be read: {}; the experiment needs every image, remove it",
                           embedded.skipped[0].key, embedded.skipped[0].reason);
  }
  if (rows != nullptr) *rows = std::move(embedded.rows[0]);
  return std::move(embedded.views[0]);
}

Result<PaperData> PreparePaper(const PaperFlags& flags, Database& database,
                               LazyBackbone& backbone) {
  PaperData data;
  AUGSTORE_ASSIGN(const ImageSource train, ListImages(flags.train));
  AUGSTORE_ASSIGN(const ImageSource test, ListImages(flags.test));
  data.classes = train.classes;
  data.items = SpreadItems(Labelled(train, data.classes), flags.limit);
  const std::vector<ImageItem> tests = SpreadItems(Labelled(test, data.classes), flags.limit);
  if (data.items.empty() || tests.empty()) {
    return InvalidArgument("{} or {} has no labelled images", flags.train, flags.test);
  }
  std::vector<std::string> ops = {""};
  ops.insert(ops.end(), flags.ops.begin(), flags.ops.end());
  for (const std::string& op : ops) {
    std::vector<RowId> rows;
    AUGSTORE_ASSIGN(Matrix view,
                    EmbedView(flags, database, backbone, data.items, op, "training images", &rows));
    data.views.push_back(std::move(view));
    if (op.empty()) data.rows = std::move(rows);
    AUGSTORE_TRY(AddTests(flags, database, backbone, tests, op, &data));
  }
  AUGSTORE_ASSIGN(data.phi_per_second, PixelPhiRate(flags, backbone, data.items));
  return data;
}

Result<PaperSubset> MakeSubset(const PaperFlags& flags, Database& database, Trials& trials,
                               const LazyBackbone& backbone, const PaperData& data,
                               uint32_t per_class, uint64_t seed) {
  std::vector<size_t> order(data.items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [seed](size_t a, size_t b) {
    return PhiloxBits(seed, RngUse::kSplit, 3, a) < PhiloxBits(seed, RngUse::kSplit, 3, b);
  });
  std::map<int32_t, uint32_t> taken;
  PaperSubset subset;
  for (const size_t i : order) {
    if (taken[data.items[i].label]++ < per_class) subset.items.push_back(i);
  }
  std::ranges::sort(subset.items);
  std::vector<SampleToWrite> samples;
  for (const size_t i : subset.items) {
    samples.push_back({data.items[i].key, data.rows[i], data.items[i].label, "train"});
  }
  const bool feature_maps = std::ranges::any_of(flags.families, FamilyReadsFeatureMaps);
  AUGSTORE_ASSIGN(subset.collection,
                  CopyCollection(database.client(), trials, backbone.record(),
                                 fmt::format("train-{}-{}", per_class, seed), data.classes,
                                 std::move(samples), feature_maps));
  return subset;
}

}  // namespace augstore
