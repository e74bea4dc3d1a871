#include "engine/images/op_pattern.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/images/image_ops.h"
#include "engine/math/counter_rng.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

std::string RangeText(const OpTerm::Range& range) {
  return range.low == range.high ? fmt::format("{}", range.low)
                                 : fmt::format("{}..{}", range.low, range.high);
}

Result<double> ParseNumber(std::string_view text, std::string_view term) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && next == end) return value == 0 ? 0 : value;
  return InvalidArgument("op '{}': '{}' is no number; write a number, or a range such as -15..15",
                         term, text);
}

Result<OpTerm::Range> ParseRange(std::string_view text, std::string_view term) {
  const size_t dots = text.find("..");
  OpTerm::Range range;
  AUGSTORE_ASSIGN(range.low, ParseNumber(text.substr(0, dots), term));
  range.high = range.low;
  if (dots != std::string_view::npos) {
    AUGSTORE_ASSIGN(range.high, ParseNumber(text.substr(dots + 2), term));
  }
  if (range.low <= range.high) return range;
  return InvalidArgument("op '{}': the range {} ends before it begins; write {}..{}", term, text,
                         range.high, range.low);
}

Result<ImageOp> MakeOp(const OpTerm& term, std::span<const double> parameters) {
  std::string text = term.name;
  for (size_t i = 0; i < parameters.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? '(' : ',', parameters[i]);
  }
  if (!parameters.empty()) text += ')';
  return ImageOp::Parse(text);
}

Result<OpTerm> ParseTerm(std::string_view text) {
  OpTerm term;
  const size_t open = text.find('(');
  term.name = text.substr(0, open);
  if (open != std::string_view::npos) {
    if (text.back() != ')') return InvalidArgument("op '{}': ')' is missing at the end", text);
    std::string_view list = text.substr(open + 1, text.size() - open - 2);
    for (bool more = true; more;) {
      const size_t comma = list.find(',');
      AUGSTORE_ASSIGN(const OpTerm::Range range, ParseRange(list.substr(0, comma), text));
      term.parameters.push_back(range);
      more = comma != std::string_view::npos;
      if (more) list.remove_prefix(comma + 1);
    }
  }
  std::vector<double> low;
  std::vector<double> high;
  for (const OpTerm::Range& range : term.parameters) {
    low.push_back(range.low);
    high.push_back(range.high);
  }
  AUGSTORE_TRY(MakeOp(term, low));
  AUGSTORE_TRY(MakeOp(term, high));
  return term;
}

// Parts between `separator`s that stand outside parentheses.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (text[i] != separator || depth > 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

size_t CountFeatures(const OpTerm& term) {
  if (term.parameters.empty()) return 1;
  return 2 * term.parameters.size() + (ImageOp::Resamples(term.name) ? 1 : 0);
}

std::string Join(const std::vector<OpTerm>& terms, char separator) {
  std::string text;
  for (const OpTerm& term : terms) {
    if (!text.empty()) text += separator;
    text += term.ToString();
  }
  return text;
}

}  // namespace

std::string OpTerm::ToString() const {
  std::string text = name;
  for (size_t i = 0; i < parameters.size(); ++i) {
    text += (i == 0 ? "(" : ",") + RangeText(parameters[i]);
  }
  return parameters.empty() ? text : text + ")";
}

Result<OpPattern> OpPattern::Parse(std::string_view text) {
  OpPattern pattern;
  for (const std::string_view part : Split(text, '>')) {
    AUGSTORE_ASSIGN(OpTerm term, ParseTerm(part));
    pattern.parameters_ += term.parameters.size();
    for (const OpTerm::Range& range : term.parameters) {
      pattern.parameters_drawn_ += range.low < range.high;
    }
    pattern.terms_.push_back(std::move(term));
  }
  if (pattern.terms_.size() <= kMaxChainLength) return pattern;
  return InvalidArgument("'{:.200}' names {} ops: use at most {}", text, pattern.terms_.size(),
                         kMaxChainLength);
}

std::string OpPattern::ToString() const { return Join(terms_, '>'); }

void OpPattern::Draw(const DrawKey& key, size_t step, std::span<double> parameters) const {
  AUGSTORE_CHECK(parameters.size() == parameters_);
  size_t at = 0;
  for (const OpTerm& term : terms_) {
    for (const OpTerm::Range& range : term.parameters) {
      double value = range.low;
      if (range.low < range.high) {
        const uint64_t seed = MixBits(key.seed ^ MixBits((step << 32) + at + 1));
        const double u = PhiloxUniform(seed, RngUse::kMagnitude, key.epoch, key.sample);
        value = std::clamp(range.low + (range.high - range.low) * u, range.low, range.high);
      }
      parameters[at++] = value;
    }
  }
}

Result<OpFamily> OpFamily::Parse(std::string_view ops, uint32_t slots) {
  if (slots == 0 || slots > kMaxChainLength) {
    return InvalidArgument("{} ops in one application: give 1 .. {}", slots, kMaxChainLength);
  }
  OpFamily family;
  family.slots_ = slots;
  for (const std::string_view part : Split(ops, ',')) {
    AUGSTORE_ASSIGN(OpTerm term, ParseTerm(part));
    if (family.IndexOf(term.name) < family.terms_.size()) {
      return InvalidArgument("op '{}' occurs twice in '{}': give one range that holds both",
                             term.name, ops);
    }
    family.first_feature_.push_back(family.features_);
    family.features_ += CountFeatures(term);
    family.terms_.push_back(std::move(term));
  }
  if (family.features_ <= kMaxBasis) return family;
  return InvalidArgument("the ops '{:.200}' have {} features: at most {} are possible", ops,
                         family.features_, kMaxBasis);
}

std::string OpFamily::ToString() const { return Join(terms_, ','); }

size_t OpFamily::IndexOf(std::string_view name) const {
  const auto found = std::find_if(terms_.begin(), terms_.end(),
                                  [name](const OpTerm& term) { return term.name == name; });
  return static_cast<size_t>(found - terms_.begin());
}

Status OpFamily::Check(const OpPattern& pattern) const {
  if (pattern.terms().size() > slots_) {
    return InvalidArgument("'{}' asks for {} ops at once, and the transform was trained for {}",
                           pattern.ToString(), pattern.terms().size(), slots_);
  }
  for (const OpTerm& term : pattern.terms()) {
    const size_t index = IndexOf(term.name);
    if (index == terms_.size()) {
      return InvalidArgument("'{}' is none of the ops that the transform was trained for: {}",
                             term.name, ToString());
    }
    for (size_t i = 0; i < term.parameters.size(); ++i) {
      const OpTerm::Range& known = terms_[index].parameters[i];
      if (term.parameters[i].low >= known.low && term.parameters[i].high <= known.high) continue;
      return InvalidArgument("'{}' is outside what the transform was trained for: {}",
                             term.ToString(), terms_[index].ToString());
    }
  }
  return OkStatus();
}

size_t OpFamily::FirstFeature(const OpTerm& op) const {
  const size_t index = IndexOf(op.name);
  AUGSTORE_CHECK(index < terms_.size());
  return first_feature_[index];
}

size_t OpFamily::FeatureCount(const OpTerm& op) const { return CountFeatures(op); }

void OpFamily::Features(const OpTerm& op, std::span<const double> parameters,
                        std::span<float> features) const {
  const size_t index = IndexOf(op.name);
  AUGSTORE_CHECK(index < terms_.size() && features.size() == CountFeatures(op));
  const OpTerm& range = terms_[index];
  const std::vector<double> neutral = ImageOp::NeutralParameters(op.name);
  size_t at = 0;
  if (neutral.empty() || ImageOp::Resamples(op.name)) features[at++] = 1;
  for (size_t i = 0; i < neutral.size(); ++i) {
    const double largest = std::max(std::abs(range.parameters[i].low - neutral[i]),
                                    std::abs(range.parameters[i].high - neutral[i]));
    const double m = largest > 0 ? (parameters[i] - neutral[i]) / largest : 0;
    features[at++] = static_cast<float>(std::min(m, 0.0));
    features[at++] = static_cast<float>(std::max(m, 0.0));
  }
}

}  // namespace augstore
