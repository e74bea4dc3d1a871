#include "tools/plan/plan_data.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

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

// Images that can be read, and what is embedded of each.
struct Embedded {
  std::vector<ImageItem> items;
  std::vector<ContentHash> images;
  std::vector<RowId> rows;
  std::vector<std::vector<RowId>> views;  // [view][image]

  void Add(const Embedded& from, size_t i) {
    items.push_back(from.items[i]);
    images.push_back(from.images[i]);
    rows.push_back(from.rows[i]);
  }
};

Result<Embedded> EmbedImages(const PlanSample& sample, Trials& trials, PlanData* data) {
  AUGSTORE_ASSIGN(EmbedOutcome plain, EmbedItems(*trials.source, *trials.backbone, sample.items,
                                                 std::nullopt, "images", trials.show_progress));
  data->counts.Add(plain);
  const Embedded all{sample.items, std::move(plain.images), std::move(plain.rows), {}};
  Embedded whole;
  // The same image twice would be trained on and tested on.
  std::set<ContentHash> seen;
  for (size_t i = 0; i < all.items.size(); ++i) {
    if (all.rows[i] == kNoRow) continue;
    if (seen.insert(all.images[i]).second) {
      whole.Add(all, i);
    } else {
      ++data->copies;
    }
  }
  return whole;
}

// Images to train on, and the others to test on.
std::pair<Embedded, Embedded> Divide(const PlanFlags& flags, const Embedded& all) {
  std::vector<SampleId> ids;
  std::vector<int32_t> labels;
  for (size_t i = 0; i < all.items.size(); ++i) {
    ids.push_back(i);
    labels.push_back(all.items[i].label);
  }
  const auto tested = static_cast<double>(flags.validation);
  const HoldoutIndex held_out =
      IndexHoldout(ids, labels, tested / (static_cast<double>(flags.sample) + tested), flags.seed);
  std::pair<Embedded, Embedded> parts;
  for (size_t i = 0; i < all.items.size(); ++i) {
    (held_out.contains(i) ? parts.second : parts.first).Add(all, i);
  }
  return parts;
}

// Leaves out the images of which a view could not be made.
void KeepWhole(Embedded* all) {
  size_t kept = 0;
  for (size_t i = 0; i < all->items.size(); ++i) {
    const bool whole = std::ranges::none_of(
        all->views, [&](const std::vector<RowId>& rows) { return rows[i] == kNoRow; });
    if (!whole) continue;
    all->items[kept] = all->items[i];
    all->images[kept] = all->images[i];
    all->rows[kept] = all->rows[i];
    for (std::vector<RowId>& rows : all->views) rows[kept] = rows[i];
    ++kept;
  }
  all->items.resize(kept);
  all->images.resize(kept);
  all->rows.resize(kept);
  for (std::vector<RowId>& rows : all->views) rows.resize(kept);
}

Status AddViews(const ViewLaw& law, const std::string& what, Trials& trials, Embedded* all,
                EmbedCounts* counts) {
  for (uint32_t view = 0; view < law.set().count; ++view) {
    std::vector<ImageOp> ops;
    ops.reserve(all->images.size());
    for (const ContentHash& image : all->images) ops.push_back(law.Op(view, image));
    const std::string label =
        fmt::format("{}, {} ({} of {})", what, law.set().law, view + 1, law.set().count);
    AUGSTORE_ASSIGN(EmbedOutcome outcome, EmbedItems(*trials.source, *trials.backbone, all->items,
                                                     ops, label, trials.show_progress));
    counts->Add(outcome);
    all->views.push_back(std::move(outcome.rows));
  }
  KeepWhole(all);
  return OkStatus();
}

// Copies the views' rows to the trials, as views of the images that `of` has there.
Status CopyViews(const Embedded& all, const CollectionImages& of, const ViewLaw& law,
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

// Makes collection `name` of the trials, whose samples have the first views of `law`. Returns its
// ref.
Result<std::string> MakeCollection(const std::string& name, const PlanSample& sample,
                                   const Embedded& all, const ViewLaw* law, Trials& trials) {
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < all.items.size(); ++i) {
    samples.push_back({fmt::format("{:08}", i), {}, all.items[i].label, "train"});
  }
  AUGSTORE_ASSIGN(std::string ref, CopyCollection(trials, name, sample.classes, samples, all.rows,
                                                  trials.space().feature_map.values() > 0));
  if (law == nullptr) return ref;
  AUGSTORE_ASSIGN(const CollectionImages of, ReadImages(trials.client(), name, "", false));
  AUGSTORE_TRY(CopyViews(all, of, *law, trials));
  AUGSTORE_ASSIGN(const WrittenViews written, WriteViews(trials.client(), of, {*law}, false));
  if (written.record.viewed == samples.size()) return written.ref;
  return Internal("{} of {} samples have their views", written.record.viewed, samples.size());
}

Result<ViewLaw> FirstViews(const ViewLaw& law, uint32_t count) {
  ViewSet set = law.set();
  set.count = std::min(count, set.count);
  return ViewLaw::Parse(set);
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
  const uint64_t each = std::clamp<uint64_t>((flags.sample + flags.validation) / labels.size(),
                                             kLeastOfAClass, std::numeric_limits<uint32_t>::max());
  for (const size_t i :
       ChoosePerClass(source.items, static_cast<uint32_t>(each), flags.seed, kSampleDraw)) {
    sample.items.push_back(source.items[i]);
  }
  return sample;
}

Result<PlanData> PreparePlan(const PlanFlags& flags, const PlanSample& sample, const ViewLaw& law,
                             const std::vector<uint32_t>& views, Trials& trials) {
  PlanData data;
  AUGSTORE_ASSIGN(const Embedded all, EmbedImages(sample, trials, &data));
  auto [training, validation] = Divide(flags, all);
  AUGSTORE_TRY(AddViews(law, "training", trials, &training, &data.counts));
  AUGSTORE_ASSIGN(const ViewLaw tested, FirstViews(law, kPlanValidationViews));
  AUGSTORE_TRY(AddViews(tested, "validation", trials, &validation, &data.counts));
  data.training = training.items.size();
  data.validation = validation.items.size();
  if (data.validation < 2 || data.training < 2) {
    return InvalidArgument(
        "{} of the sample's {} images are for training and {} for validation: each needs 2, of "
        "images that differ and can be embedded with all their views{}",
        data.training, sample.items.size(), data.validation,
        data.counts.skipped.empty() ? ""
                                    : fmt::format("; '{}' cannot: {}", data.counts.skipped[0].key,
                                                  data.counts.skipped[0].reason));
  }
  AUGSTORE_ASSIGN(data.tests, MakeCollection("tests", sample, validation, &tested, trials));
  AUGSTORE_ASSIGN(data.collections[0], MakeCollection("views0", sample, training, nullptr, trials));
  std::set<uint32_t> numbers(views.begin(), views.end());
  numbers.insert(law.set().count);
  for (const uint32_t number : numbers) {
    AUGSTORE_ASSIGN(const ViewLaw part, FirstViews(law, number));
    AUGSTORE_ASSIGN(data.collections[number], MakeCollection(fmt::format("views{}", number), sample,
                                                             training, &part, trials));
  }
  return data;
}

uint64_t PlanPhiCalls(const PlanFlags& flags, const PlanSample& sample, const ViewLaw& law) {
  const auto images = static_cast<double>(sample.items.size());
  const auto tested = static_cast<double>(flags.validation);
  const auto validation =
      static_cast<uint64_t>(images * tested / (static_cast<double>(flags.sample) + tested));
  const uint64_t views = std::min(kPlanValidationViews, law.set().count);
  return sample.items.size() + validation * views +
         (sample.items.size() - validation) * law.set().count;
}

}  // namespace augstore
