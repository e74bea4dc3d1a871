#include "schemas/records/record_fields.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace augstore::codec {
namespace {

// Label columns as they are stored: the first counts[0] of `classes` belong to names[0], and so
// on. Texts per column would let hostile bytes cost more than their number.
struct FlatLabels {
  std::vector<std::string> names;
  std::vector<uint32_t> counts;
  std::vector<std::string> classes;
};

void FlatFields(auto& v, auto& m) {
  v.All(AtMost(m.names, kMaxLabelColumns, kMaxKeyBytes), AtMost(m.counts, kMaxLabelColumns),
        AtMost(m.classes, kMaxClasses, kMaxKeyBytes));
}

struct FlatViews {
  std::vector<std::string> laws;
  std::vector<uint32_t> counts;
  std::vector<uint64_t> seeds;
};

void FlatFields(auto& v, auto& m) requires requires { m.laws; }
{
  v.All(AtMost(m.laws, kMaxViews, kMaxKeyBytes), AtMost(m.counts, kMaxViews),
        AtMost(m.seeds, kMaxViews));
}

}  // namespace

using LabelCodec = Codec<std::vector<LabelColumn>>;

void LabelCodec::Fields(TableWriter& v, const std::vector<LabelColumn>& columns) {
  FlatLabels flat;
  for (const LabelColumn& column : columns) {
    flat.names.push_back(column.name);
    flat.counts.push_back(static_cast<uint32_t>(column.classes.size()));
    flat.classes.insert(flat.classes.end(), column.classes.begin(), column.classes.end());
  }
  FlatFields(v, std::as_const(flat));
}

void LabelCodec::Fields(TableReader& v, std::vector<LabelColumn>& columns) {
  FlatLabels flat;
  FlatFields(v, flat);
  v.in().Equal("class_counts", flat.counts.size(), flat.names.size(), "names");
  uint64_t total = 0;
  for (const uint32_t count : flat.counts) {
    v.in().AtMost("class_counts", count, kMaxClasses);
    total += count;
  }
  v.in().Equal("classes", flat.classes.size(), total, "class_counts");
  if (!v.in().status().ok()) return;
  columns.resize(flat.names.size());
  auto next = std::make_move_iterator(flat.classes.begin());
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i].name = std::move(flat.names[i]);
    columns[i].classes.assign(next, next + flat.counts[i]);
    next += flat.counts[i];
  }
}

using ViewCodec = Codec<std::vector<ViewSet>>;

void ViewCodec::Fields(TableWriter& v, const std::vector<ViewSet>& sets) {
  FlatViews flat;
  for (const ViewSet& set : sets) {
    flat.laws.push_back(set.law);
    flat.counts.push_back(set.count);
    flat.seeds.push_back(set.seed);
  }
  FlatFields(v, std::as_const(flat));
}

void ViewCodec::Fields(TableReader& v, std::vector<ViewSet>& sets) {
  FlatViews flat;
  FlatFields(v, flat);
  v.in().Equal("counts", flat.counts.size(), flat.laws.size(), "laws");
  v.in().Equal("seeds", flat.seeds.size(), flat.laws.size(), "laws");
  uint64_t total = 0;
  for (const uint32_t count : flat.counts) {
    if (count == 0) v.in().Fail("counts", "has 0: a view set has at least one view of each sample");
    total += count;
  }
  v.in().AtMost("counts", total, kMaxViews);
  if (!v.in().status().ok()) return;
  for (size_t i = 0; i < flat.laws.size(); ++i) {
    sets.push_back({std::move(flat.laws[i]), flat.counts[i], flat.seeds[i]});
  }
}

void CheckChunk(Reader& in, const SampleChunk& m) {
  in.Equal("splits", m.splits.size(), m.size(), "keys");
  in.Equal("images", m.images.size(), m.size(), "keys");
  if (!m.rows.empty()) in.Equal("rows", m.rows.size(), m.size(), "keys");
  if (m.size() == 0 ? !m.views.empty() : m.views.size() % m.size() != 0) {
    in.Fail("views", fmt::format("has {} rows for {} samples", m.views.size(), m.size()));
  }
  const auto split = std::max_element(m.splits.begin(), m.splits.end());
  if (split != m.splits.end() && *split >= m.split_names.size())
    in.Fail("splits",
            fmt::format("names split {}, but there are {}", *split, m.split_names.size()));
  for (const std::vector<int32_t>& column : m.labels) {
    in.Equal("labels", column.size(), m.size(), "keys");
    const auto label = std::min_element(column.begin(), column.end());
    if (label != column.end() && *label < -1)
      in.Fail("labels", fmt::format("has {}: a class or -1 is needed", *label));
  }
}

}  // namespace augstore::codec
