#include "engine/images/view_law.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "schemas/base/digest.h"

namespace augstore {

Result<ViewLaw> ViewLaw::Parse(const ViewSet& set) {
  AUGSTORE_ASSIGN(OpPattern pattern, OpPattern::Parse(set.law));
  if (set.count == 0) return InvalidArgument("law '{}': ask for at least one view", set.law);
  if (pattern.fixed() && (set.count != 1 || set.seed != 0)) {
    return InvalidArgument(
        "law '{}' has no range, so that it has 1 view of each sample, and seed 0: not {} views, "
        "and seed {}",
        set.law, set.count, set.seed);
  }
  std::string law = pattern.ToString();
  return ViewLaw({std::move(law), set.count, set.seed}, std::move(pattern));
}

std::vector<double> ViewLaw::Parameters(uint32_t number, const ContentHash& image) const {
  uint64_t prefix = 0;
  std::memcpy(&prefix, image.bytes.data(), sizeof prefix);
  std::vector<double> parameters(pattern_.parameters());
  pattern_.Draw({set_.seed, number, prefix}, 0, parameters);
  size_t at = 0;
  for (const OpTerm& term : pattern_.terms()) {
    for (const OpTerm::Range& range : term.parameters) {
      double& value = parameters[at++];
      if (range.low == range.high) continue;
      value = std::clamp(std::round(value * kDecimals) / kDecimals, range.low, range.high);
      if (value == 0) value = 0;  // not -0
    }
  }
  return parameters;
}

ImageOp ViewLaw::Op(uint32_t number, const ContentHash& image) const {
  const std::vector<double> parameters = Parameters(number, image);
  std::string text;
  size_t at = 0;
  for (const OpTerm& term : pattern_.terms()) {
    OpTerm drawn = term;
    for (OpTerm::Range& range : drawn.parameters) {
      range = {parameters[at], parameters[at]};
      ++at;
    }
    text += (text.empty() ? "" : ">") + drawn.ToString();
  }
  Result<ImageOp> op = ImageOp::ParseSequence(text);
  AUGSTORE_CHECK(op.ok());  // both ends of every range are ops
  return *std::move(op);
}

ContentHash ViewLaw::Hash(uint32_t number, const ContentHash& image) const {
  return DeriveHash(image, Op(number, image).text());
}

}  // namespace augstore
