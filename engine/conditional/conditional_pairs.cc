#include "engine/conditional/conditional_pairs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

// Draws of one image, in a fixed order.
class ImageDraws {
 public:
  ImageDraws(uint64_t seed, uint64_t image) : seed_(seed), image_(image) {}
  double Next() { return PhiloxUniform(seed_, RngUse::kMagnitude, image_, next_++); }
  size_t Below(size_t count) {
    return std::min(static_cast<size_t>(Next() * static_cast<double>(count)), count - 1);
  }

 private:
  uint64_t seed_;
  uint64_t image_;
  uint64_t next_ = 0;
};

std::string RandomOp(const OpTerm& term, ImageDraws* draws) {
  OpTerm drawn = term;
  for (OpTerm::Range& range : drawn.parameters) {
    range.low += (range.high - range.low) * draws->Next();
    range.high = range.low;
  }
  return drawn.ToString();
}

// Every op with each of its parameters at an end of its range.
std::vector<std::string> Corners(const OpFamily& family) {
  std::vector<std::string> corners;
  for (const OpTerm& term : family.terms()) {
    for (size_t corner = 0; corner < (size_t{1} << term.parameters.size()); ++corner) {
      OpTerm fixed = term;
      for (size_t i = 0; i < fixed.parameters.size(); ++i) {
        OpTerm::Range& range = fixed.parameters[i];
        (corner >> i & 1 ? range.low : range.high) = corner >> i & 1 ? range.high : range.low;
      }
      corners.push_back(fixed.ToString());
    }
  }
  return corners;
}

}  // namespace

Result<ConditionalPairs> PlanViews(const OpFamily& family, size_t images, const ViewPlan& plan) {
  ConditionalPairs pairs;
  const std::vector<OpTerm>& terms = family.terms();
  const std::vector<std::string> corners = Corners(family);
  const bool chains = family.slots() > 1 && terms.size() > 1;
  const auto add = [&pairs](size_t image, const std::string& text) -> Status {
    AUGSTORE_ASSIGN(OpPattern ops, OpPattern::Parse(text));
    pairs.images.push_back(static_cast<uint32_t>(image));
    pairs.ops.push_back(std::move(ops));
    return OkStatus();
  };
  for (size_t image = 0; image < images; ++image) {
    ImageDraws draws(plan.seed, image);
    for (const std::string& corner : corners) AUGSTORE_TRY(add(image, corner));
    for (uint32_t i = 0; i < plan.singles; ++i) {
      AUGSTORE_TRY(add(image, RandomOp(terms[draws.Below(terms.size())], &draws)));
    }
    for (uint32_t i = 0; chains && i < plan.chains; ++i) {
      const size_t first = draws.Below(terms.size());
      const size_t second = (first + 1 + draws.Below(terms.size() - 1)) % terms.size();
      const std::string before = RandomOp(terms[first], &draws);
      AUGSTORE_TRY(add(image, before + ">" + RandomOp(terms[second], &draws)));
    }
  }
  return pairs;
}

}  // namespace augstore
