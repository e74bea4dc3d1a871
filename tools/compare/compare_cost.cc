#include "tools/compare/compare_cost.h"

#include <algorithm>
#include <map>
#include <vector>

#include "tools/transform/phi_cost.h"

namespace augstore {
namespace {

uint64_t Limited(uint64_t images, uint64_t limit) {
  return limit == 0 ? images : std::min(images, limit);
}

// Labelled items, at most `per_class` (0: all) of each class.
uint64_t CountPerClass(const std::vector<ImageItem>& items, uint32_t per_class) {
  if (per_class == 0) return items.size();
  std::map<int32_t, uint64_t> classes;
  for (const ImageItem& item : items) {
    if (item.label >= 0) ++classes[item.label];
  }
  uint64_t sum = 0;
  for (const auto& [label, count] : classes) sum += std::min<uint64_t>(count, per_class);
  return sum;
}

}  // namespace

uint64_t ComparePhiCalls(const CompareFlags& flags, uint64_t train, uint64_t base, uint64_t test) {
  const uint64_t views = 1 + flags.ops.size();
  const uint64_t experiments = flags.joint ? 1 : flags.ops.size();
  const uint64_t pixel = flags.no_pixel ? 0 : train * flags.epochs * flags.seeds * experiments;
  return train + (base + test) * views + pixel;
}

Status AnnounceCompare(const CompareFlags& flags, LazyBackbone& backbone) {
  AUGSTORE_ASSIGN(const ImageSource train, ListImages(flags.train));
  AUGSTORE_ASSIGN(const ImageSource test, ListImages(flags.test));
  uint64_t base = train.items.size();
  if (!flags.base.empty()) {
    AUGSTORE_ASSIGN(const ImageSource source, ListImages(flags.base));
    base = source.items.size();
  }
  const uint64_t calls = ComparePhiCalls(flags, CountPerClass(train.items, flags.per_class),
                                         Limited(base, flags.base_limit),
                                         Limited(test.items.size(), flags.test_limit));
  return AnnouncePhiCost(backbone, train.items, calls);
}

}  // namespace augstore
