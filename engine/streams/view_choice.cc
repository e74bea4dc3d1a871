#include "engine/streams/view_choice.h"

#include <algorithm>

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

Result<std::vector<uint16_t>> ViewsOf(const Versioned<CollectionRecord>& collection,
                                      const std::optional<std::string>& view) {
  std::vector<uint16_t> views;
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

bool ReadsViews(const Stream& stream) {
  return std::ranges::any_of(stream.chains,
                             [](const ResolvedChain& chain) { return !chain.views.empty(); });
}

Status CheckHasViews(const SampleTable& table, const std::vector<uint16_t>& views) {
  if (views.empty()) return OkStatus();
  const size_t samples = table.samples.size();
  size_t lack = 0;
  for (size_t i = 0; i < samples; ++i) {
    if (std::ranges::any_of(views, [&](uint16_t v) { return table.views[v][i] == kNoRow; })) ++lack;
  }
  if (lack == 0) return OkStatus();
  return FailedPrecondition(
      "{} of {} samples lack stored views, because they came later or could not be read: `augstore "
      "view add` stores what is missing",
      lack, samples);
}

RowId DrawRow(const SampleTable& table, const std::vector<uint16_t>& views, uint64_t seed,
              uint64_t epoch, size_t i) {
  if (views.empty()) return table.rows[i];
  if (views.size() == 1) return table.views[views.front()][i];
  const uint64_t draw = PhiloxU64(seed, RngUse::kView, epoch, table.samples[i]);
  return table.views[views[draw % views.size()]][i];
}

}  // namespace augstore
