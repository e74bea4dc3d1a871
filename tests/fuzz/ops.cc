#include <cmath>

#include "engine/images/image_ops.h"
#include "engine/images/op_pattern.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

void CheckPattern(std::string_view text) {
  const Result<OpPattern> pattern = OpPattern::Parse(text);
  if (!pattern.ok()) return;
  const std::string canonical = pattern->ToString();
  const Result<OpPattern> again = OpPattern::Parse(canonical);
  AUGSTORE_CHECK(again.ok() && again->terms() == pattern->terms());
  AUGSTORE_CHECK(again->ToString() == canonical);
  std::vector<double> drawn(pattern->parameters());
  pattern->Draw({1, 2, 3}, 0, drawn);
  size_t i = 0;
  for (const OpTerm& term : pattern->terms()) {
    for (const OpTerm::Range& range : term.parameters) {
      AUGSTORE_CHECK(std::isfinite(range.low) && std::isfinite(range.high));
      AUGSTORE_CHECK(drawn[i] >= range.low && drawn[i] <= range.high);
      ++i;
    }
  }
  AUGSTORE_CHECK(i == drawn.size());
}

void CheckFamily(std::string_view text) {
  const Result<OpFamily> family = OpFamily::Parse(text, 2);
  if (!family.ok()) return;
  const Result<OpFamily> again = OpFamily::Parse(family->ToString(), 2);
  AUGSTORE_CHECK(again.ok() && again->terms() == family->terms());
  AUGSTORE_CHECK(again->features() == family->features());
  // The first of the ops is one of them; others may be or not.
  const Result<OpPattern> first = OpPattern::Parse(text.substr(0, text.find(',')));
  AUGSTORE_CHECK(!first.ok() || first->terms().size() > 1 || family->Check(*first).ok());
  for (const char* other : {"hflip>hflip>hflip", "rotate(-360..360)"}) {
    const Status status = family->Check(OpPattern::Parse(other).value());
    AUGSTORE_CHECK(status.ok() || !status.message().empty());
  }
  for (const OpTerm& term : family->terms()) {
    AUGSTORE_CHECK(family->FirstFeature(term) + family->FeatureCount(term) <= family->features());
    std::vector<double> parameters;
    for (const OpTerm::Range& range : term.parameters) parameters.push_back(range.low);
    std::vector<float> features(family->FeatureCount(term));
    family->Features(term, parameters, features);
    for (const float feature : features) AUGSTORE_CHECK(std::isfinite(feature));
  }
}

void CheckOps(const Result<ImageOp>& op, Result<ImageOp> (*parse)(std::string_view)) {
  if (!op.ok()) return;
  const Result<ImageOp> again = parse(op->text());
  AUGSTORE_CHECK(again.ok() && again->text() == op->text());
  AUGSTORE_CHECK(again->parameters() == op->parameters());
  if (!op->InverseText().empty()) AUGSTORE_CHECK(ImageOp::ParseSequence(op->InverseText()).ok());
}

}  // namespace

void Fuzz_ops(Bytes input) {
  const std::string_view text = Text(input);
  CheckPattern(text);
  CheckFamily(text);
  CheckOps(ImageOp::Parse(text), ImageOp::Parse);
  CheckOps(ImageOp::ParseSequence(text), ImageOp::ParseSequence);
}

}  // namespace augstore::fuzz
