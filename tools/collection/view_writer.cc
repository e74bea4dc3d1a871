#include "tools/collection/view_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

// The hashes of the views of samples [begin, end), one sample after the other.
std::vector<ContentHash> HashesOf(const CollectionImages& of, const std::vector<ViewLaw>& laws,
                                  size_t begin, size_t end) {
  std::vector<ContentHash> hashes;
  for (size_t i = begin; i < end; ++i) {
    for (const ViewLaw& law : laws) {
      for (uint32_t v = 0; v < law.set().count; ++v) hashes.push_back(law.Hash(v, of.images[i]));
    }
  }
  return hashes;
}

Result<RecordReply> AppendAndCommit(Client& client, const CollectionImages& of,
                                    const std::vector<ViewLaw>& laws, uint32_t draft, bool show) {
  const size_t samples = laws.empty() ? 0 : of.images.size();
  const size_t each = CountViews(SetsOf(laws));
  const size_t most = std::max<size_t>(1, kMaxBatchRows / std::max<size_t>(1, each));
  Progress progress("views", "samples", samples, show);
  for (size_t begin = 0; begin < samples; begin += most) {
    if (Interrupted()) return InterruptedStatus("no version was made; what was embedded is stored");
    const size_t end = std::min(samples, begin + most);
    AUGSTORE_TRY(
        client.Call<EndReply>(AppendViewsRequest{draft, begin, HashesOf(of, laws, begin, end)}));
    progress.Update(end);
  }
  const auto tell = [&](const DraftProgressReply& step) {
    progress.Update(samples, fmt::format("{} {} of {} chunks", step.phase, step.done, step.total));
  };
  return client.CallInSteps<RecordReply>(CommitDraftRequest{draft, samples}, tell);
}

}  // namespace

Result<CollectionImages> ReadImages(Client& client, const std::string& collection,
                                    const std::string& split, bool show) {
  AUGSTORE_ASSIGN(const Ref ref, ParseRef(collection));
  if (ref.version != 0 || !ref.alias.empty()) {
    return InvalidArgument(
        "'{}' names a version, and views go into a new one after the latest: name the collection "
        "alone, {}",
        collection, ref.name);
  }
  CollectionImages of;
  AUGSTORE_ASSIGN(of.collection, client.Get<CollectionRecord>(collection));
  const CollectionRecord& record = of.collection.record;
  Progress progress("read", "samples", record.samples, show);
  while (of.images.size() < record.samples) {
    const GetSamplesRequest request{
        .collection = of.collection.ref(), .begin = of.images.size(), .count = kSampleChunkRows};
    AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
    const SampleChunk& chunk = reply.samples;
    if (chunk.size() == 0) return Internal("the samples end at {}", of.images.size());
    for (size_t i = 0; i < chunk.size(); ++i) {
      if (split.empty() || chunk.split_names[chunk.splits[i]] == split)
        of.chosen.push_back(of.images.size() + i);
    }
    of.images.insert(of.images.end(), chunk.images.begin(), chunk.images.end());
    progress.Update(of.images.size());
  }
  if (!of.chosen.empty()) return of;
  std::string names;
  for (const SplitCount& count : record.splits) names += (names.empty() ? "" : ", ") + count.name;
  return NotFound("collection '{}' has no split '{}': it has {}", of.collection.ref(), split,
                  names);
}

Result<std::vector<ViewLaw>> WithSets(const std::vector<ViewSet>& has,
                                      const std::vector<ViewSet>& sets) {
  std::vector<ViewLaw> laws;
  for (const ViewSet& set : has) {
    AUGSTORE_ASSIGN(ViewLaw law, ViewLaw::Parse(set));
    laws.push_back(std::move(law));
  }
  for (const ViewSet& set : sets) {
    AUGSTORE_ASSIGN(ViewLaw law, ViewLaw::Parse(set));
    const auto same = std::ranges::find_if(laws, [&](const ViewLaw& known) {
      return known.set().law == law.set().law && known.set().seed == law.set().seed;
    });
    if (same == laws.end()) {
      laws.push_back(std::move(law));
      continue;
    }
    if (same->set().count > set.count) {
      return FailedPrecondition(
          "the collection has {} views of {} with seed {} already: ask for at least as many, or "
          "give another --seed",
          same->set().count, set.law, set.seed);
    }
    *same = std::move(law);
  }
  const size_t views = CountViews(SetsOf(laws));
  if (views <= kMaxViews) return laws;
  return InvalidArgument("each sample would have {} views: at most {} are possible", views,
                         kMaxViews);
}

std::vector<ViewSet> SetsOf(const std::vector<ViewLaw>& laws) {
  std::vector<ViewSet> sets;
  sets.reserve(laws.size());
  for (const ViewLaw& law : laws) sets.push_back(law.set());
  return sets;
}

Result<WrittenViews> WriteViews(Client& client, const CollectionImages& of,
                                const std::vector<ViewLaw>& laws, bool show) {
  const CollectionRecord& record = of.collection.record;
  const BeginDraftRequest begin{.collection = of.collection.name,
                                .backbone = record.backbone,
                                .labels = {},
                                .source = record.source,
                                .dtype = record.dtype,
                                .views_only = true,
                                .views = SetsOf(laws),
                                .views_of = of.collection.version};
  AUGSTORE_ASSIGN(const DraftReply draft, client.Call<DraftReply>(begin));
  const Result<RecordReply> made = AppendAndCommit(client, of, laws, draft.draft, show);
  if (!made.ok()) {
    // The first error is the one to tell; a draft that cannot be aborted dies with the server.
    (void)client.Call<EndReply>(AbortDraftRequest{draft.draft});
    return made.status();
  }
  AUGSTORE_ASSIGN(CollectionRecord written, Decode<CollectionRecord>(made->record));
  return WrittenViews{fmt::format("{}@{}", made->name, made->version), std::move(written),
                      made->version == of.collection.version};
}

Json ViewsJson(const std::vector<ViewSet>& sets) {
  Json json = Json::array();
  for (const ViewSet& set : sets) {
    json.push_back({{"law", set.law}, {"count", set.count}, {"seed", set.seed}});
  }
  return json;
}

std::string ViewsText(const std::vector<ViewSet>& sets) {
  std::string text;
  for (const ViewSet& set : sets) {
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", set.count, set.law);
    if (set.count > 1 || set.seed != 0) text += fmt::format(" (seed {})", set.seed);
  }
  return text.empty() ? "none" : text;
}

}  // namespace augstore
