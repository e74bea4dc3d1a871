#include "tools/paper/paper_data.h"

#include <algorithm>

#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"
#include "tools/collection/embedder.h"
#include "tools/collection/phi_cost.h"

namespace augstore {
namespace {

constexpr uint32_t kOneInValidation = 3;  // of the test images
constexpr size_t kTimedImages = 1024;

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
Status AddTests(Trials& trials, const std::vector<ImageItem>& items, const std::string& op,
                PaperData* data) {
  AUGSTORE_ASSIGN(const EmbeddedViews embedded, EmbedEvery(trials, items, op, "test images"));
  const Matrix& all = embedded.views[0];
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

}  // namespace

Result<EmbeddedViews> EmbedEvery(Trials& trials, const std::vector<ImageItem>& items,
                                 const std::string& ops, const std::string& label) {
  AUGSTORE_ASSIGN(EmbeddedViews embedded, EmbedView(trials, items, ops, label));
  if (embedded.skipped.empty()) return embedded;
  return InvalidArgument("{} cannot be read: {}; the experiment needs every image, remove it",
                         embedded.skipped[0].key, embedded.skipped[0].reason);
}

Result<PaperData> PreparePaper(const PaperFlags& flags, Trials& trials) {
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
    AUGSTORE_ASSIGN(EmbeddedViews embedded, EmbedEvery(trials, data.items, op, "training images"));
    data.views.push_back(std::move(embedded.views[0]));
    if (op.empty()) data.rows = std::move(embedded.rows[0]);
    AUGSTORE_TRY(AddTests(trials, tests, op, &data));
  }
  AUGSTORE_ASSIGN(data.phi_per_second, MeasurePhi(*trials.backbone, data.items, kTimedImages));
  return data;
}

}  // namespace augstore
