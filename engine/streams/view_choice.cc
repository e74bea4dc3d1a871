#include "engine/streams/view_choice.h"

#include <algorithm>
#include <set>

#include "engine/images/op_pattern.h"
#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

std::string Names(const std::vector<ViewSet>& sets) {
  std::string names;
  for (const ViewSet& set : sets) names += (names.empty() ? "" : ", ") + set.law;
  return names;
}

}  // namespace

Result<std::optional<std::string>> CanonicalView(const std::optional<std::string>& view) {
  if (!view.has_value() || view->empty()) return view;
  AUGSTORE_ASSIGN(const OpPattern law, OpPattern::Parse(*view));
  return std::optional(law.ToString());
}

Result<ViewNumbers> ViewsOf(const Versioned<CollectionRecord>& collection,
                            const std::optional<std::string>& view) {
  ViewNumbers views;
  if (!view.has_value()) return views;
  uint16_t next = 0;
  for (const ViewSet& set : collection.record.views) {
    for (uint32_t i = 0; i < set.count; ++i, ++next) {
      if (view->empty() || set.law == *view) views.push_back(next);
    }
  }
  if (!views.empty()) return views;
  if (collection.record.views.empty()) {
    return FailedPrecondition(
        "collection '{}' has no stored views: `augstore view add --collection {}` stores some",
        collection.ref(), collection.name);
  }
  return FailedPrecondition("collection '{}' has no views of {}, it has those of {}",
                            collection.ref(), *view, Names(collection.record.views));
}

ViewNumbers ViewsOf(const Stream& stream) {
  std::set<uint16_t> views;
  for (const ResolvedChain& chain : stream.chains) {
    views.insert(chain.views.begin(), chain.views.end());
  }
  return {views.begin(), views.end()};
}

bool HasViewsOf(const SampleTable& table, const Stream& stream) {
  return std::ranges::all_of(ViewsOf(stream), [&](uint16_t view) {
    return view < table.views.size() && table.views[view].size() == table.samples.size();
  });
}

Status CheckHasViews(const SampleTable& table, const ViewNumbers& views, const std::string& split,
                     const Cancellation& cancellation) {
  constexpr size_t kBetweenQuestions = 1 << 16;  // some milliseconds
  if (views.empty()) return OkStatus();
  const size_t samples = table.samples.size();
  size_t lack = 0;
  for (size_t i = 0; i < samples; ++i) {
    if (i % kBetweenQuestions == 0) AUGSTORE_TRY(cancellation.Check());
    if (std::ranges::any_of(views, [&](uint16_t v) { return table.views[v][i] == kNoRow; })) ++lack;
  }
  if (lack == 0) return OkStatus();
  return FailedPrecondition(
      "{} of {} samples of split '{}' lack stored views: `augstore view add --split '{}'` stores "
      "what is missing",
      lack, samples, split, split);
}

RowId DrawRow(const SampleTable& table, const ViewNumbers& views, uint64_t seed, uint64_t epoch,
              size_t i) {
  if (views.empty()) return table.rows[i];
  if (views.size() == 1) return table.views[views.front()][i];
  const uint64_t draw = PhiloxU64(seed, RngUse::kView, epoch, table.samples[i]);
  return table.views[views[draw % views.size()]][i];
}

}  // namespace augstore
