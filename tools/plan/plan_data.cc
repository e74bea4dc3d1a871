#include "tools/plan/plan_data.h"

#include <algorithm>
#include <limits>
#include <set>

#include "schemas/base/limits.h"
#include "tools/cli/split_folders.h"
#include "tools/collection/view_writer.h"
#include "tools/compare/compare_data.h"
#include "tools/policy/policy_runs.h"

namespace augstore {
namespace {

constexpr const char* kTestSplit = "test";
constexpr uint64_t kSampleDraw = 3;  // another than those of `compare`
constexpr uint64_t kLeastOfAClass = 4;

// What is embedded of each image of the sample that can be read.
struct EmbeddedSample {
  std::vector<ImageItem> items;
  std::vector<RowId> rows;
  std::vector<std::vector<RowId>> views;  // [view][image]
  uint64_t copies = 0;
  EmbedCounts counts;
};

Result<EmbeddedSample> EmbedSample(const PlanSample& sample, const ViewLaw& law, Trials& trials) {
  Database& source = *trials.source;
  EmbeddedSample all;
  AUGSTORE_ASSIGN(const EmbedOutcome plain,
                  EmbedItems(source, *trials.backbone, sample.items, std::nullopt, "images",
                             trials.show_progress));
  all.counts.Add(plain);
  std::vector<ContentHash> images;
  // The same image twice would be trained on and tested on.
  std::set<ContentHash> seen;
  for (size_t i = 0; i < sample.items.size(); ++i) {
    if (plain.rows[i] == kNoRow) continue;
    if (!seen.insert(plain.images[i]).second) {
      ++all.copies;
      continue;
    }
    all.items.push_back(sample.items[i]);
    all.rows.push_back(plain.rows[i]);
    images.push_back(plain.images[i]);
  }
  for (uint32_t view = 0; view < law.set().count; ++view) {
    std::vector<ImageOp> ops;
    ops.reserve(images.size());
    for (const ContentHash& image : images) ops.push_back(law.Op(view, image));
    const std::string label =
        fmt::format("{} ({} of {})", law.set().law, view + 1, law.set().count);
    AUGSTORE_ASSIGN(EmbedOutcome outcome, EmbedItems(source, *trials.backbone, all.items, ops,
                                                     label, trials.show_progress));
    all.counts.Add(outcome);
    all.views.push_back(std::move(outcome.rows));
  }
  return all;
}

// Leaves out the images of which a view could not be made.
void KeepWhole(EmbeddedSample* all) {
  size_t kept = 0;
  for (size_t i = 0; i < all->items.size(); ++i) {
    const bool whole = std::ranges::none_of(
        all->views, [&](const std::vector<RowId>& rows) { return rows[i] == kNoRow; });
    if (!whole) continue;
    all->items[kept] = all->items[i];
    all->rows[kept] = all->rows[i];
    for (std::vector<RowId>& rows : all->views) rows[kept] = rows[i];
    ++kept;
  }
  all->items.resize(kept);
  all->rows.resize(kept);
  for (std::vector<RowId>& rows : all->views) rows.resize(kept);
}

std::vector<SampleToWrite> Samples(const PlanFlags& flags, const std::vector<ImageItem>& items) {
  std::vector<SampleId> ids;
  std::vector<int32_t> labels;
  for (size_t i = 0; i < items.size(); ++i) {
    ids.push_back(i);
    labels.push_back(items[i].label);
  }
  const HoldoutIndex held_out = IndexHoldout(ids, labels, flags.validation, flags.seed);
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < items.size(); ++i) {
    samples.push_back({fmt::format("{:08}", i),
                       {},
                       labels[i],
                       held_out.contains(i) ? kPlanValidation : kPlanTraining});
  }
  return samples;
}

// Copies the views' rows to the trials, as views of the images that `of` has there.
Status CopyViews(const EmbeddedSample& all, const CollectionImages& of, const ViewLaw& law,
                 Trials& trials) {
  AUGSTORE_CHECK(of.images.size() == all.rows.size());
  for (uint32_t view = 0; view < law.set().count; ++view) {
    for (size_t begin = 0; begin < of.images.size(); begin += kSegmentRows) {
      const size_t end = std::min<size_t>(of.images.size(), begin + kSegmentRows);
      AppendRowsRequest request{
          .backbone = trials.space().digest, .images = {}, .embeddings = {}, .feature_maps = {}};
      AUGSTORE_ASSIGN(request.embeddings,
                      FetchRows(trials.source->client(), trials.space(),
                                std::span(all.views[view]).subspan(begin, end - begin)));
      for (size_t i = begin; i < end; ++i) {
        request.images.push_back(law.Hash(view, of.images[i]));
        request.sources.push_back(of.images[i]);
      }
      AUGSTORE_TRY(trials.client().Call<RowIdsReply>(request));
    }
  }
  return OkStatus();
}

}  // namespace

Result<PlanSample> ChooseSample(const PlanFlags& flags) {
  AUGSTORE_ASSIGN(ImageSource source, ListClasses(flags.images));
  std::erase_if(source.items, [&](const ImageItem& item) {
    const bool in_split =
        flags.split.empty() ? item.split != kTestSplit : item.split == flags.split;
    return item.label < 0 || !in_split;
  });
  PlanSample sample;
  sample.all_images = source.items.size();
  sample.classes = std::move(source.classes);
  std::set<int32_t> labels;
  for (const ImageItem& item : source.items) labels.insert(item.label);
  if (labels.size() < 2) {
    return InvalidArgument(
        "{} has {} labelled images of {} classes{}: a plan trains classifiers, and needs images of "
        "at least 2 classes, in class folders or with labels in a manifest",
        flags.images, source.items.size(), labels.size(),
        flags.split.empty() ? "" : fmt::format(" in split '{}'", flags.split));
  }
  const uint64_t each = std::clamp<uint64_t>(flags.sample / labels.size(), kLeastOfAClass,
                                             std::numeric_limits<uint32_t>::max());
  for (const size_t i :
       ChoosePerClass(source.items, static_cast<uint32_t>(each), flags.seed, kSampleDraw)) {
    sample.items.push_back(source.items[i]);
  }
  return sample;
}

Result<PlanData> PreparePlan(const PlanFlags& flags, const PlanSample& sample, const ViewLaw& law,
                             const std::vector<uint32_t>& views, Trials& trials) {
  PlanData data;
  AUGSTORE_ASSIGN(EmbeddedSample all, EmbedSample(sample, law, trials));
  KeepWhole(&all);
  data.counts = all.counts;
  data.copies = all.copies;
  const std::vector<SampleToWrite> samples = Samples(flags, all.items);
  for (const SampleToWrite& one : samples)
    ++(one.split == kPlanTraining ? data.training : data.validation);
  if (data.validation < 2 || data.training < 2) {
    return InvalidArgument(
        "{} of the sample's {} images are for training and {} for validation: each needs 2, of "
        "images that differ and can be embedded with all their views{}",
        data.training, sample.items.size(), data.validation,
        all.counts.skipped.empty() ? ""
                                   : fmt::format("; '{}' cannot: {}", all.counts.skipped[0].key,
                                                 all.counts.skipped[0].reason));
  }
  std::set<uint32_t> numbers(views.begin(), views.end());
  numbers.insert({0, law.set().count});
  bool copied = false;
  for (const uint32_t number : numbers) {
    const std::string name = fmt::format("views{}", number);
    AUGSTORE_ASSIGN(data.collections[number],
                    CopyCollection(trials, name, sample.classes, samples, all.rows,
                                   trials.space().feature_map.values() > 0));
    if (number == 0) continue;
    AUGSTORE_ASSIGN(const CollectionImages of, ReadImages(trials.client(), name, "", false));
    if (!copied) AUGSTORE_TRY(CopyViews(all, of, law, trials));
    copied = true;
    ViewSet set = law.set();
    set.count = number;
    AUGSTORE_ASSIGN(ViewLaw part, ViewLaw::Parse(set));
    AUGSTORE_ASSIGN(const WrittenViews written,
                    WriteViews(trials.client(), of, {std::move(part)}, false));
    if (written.record.viewed != samples.size()) {
      return Internal("{} of {} samples have their views", written.record.viewed, samples.size());
    }
    data.collections[number] = written.ref;
  }
  return data;
}

}  // namespace augstore
