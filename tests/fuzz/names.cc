#include "schemas/base/names.h"

#include "schemas/base/limits.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

// What is accepted is written in one way, which reads back as the same.
template <typename T>
void CheckRoundTrip(const Result<T>& parsed, Result<T> (*parse)(std::string_view)) {
  if (!parsed.ok()) return;
  const std::string text = parsed->ToString();
  const Result<T> again = parse(text);
  AUGSTORE_CHECK(again.ok() && *again == *parsed);
  AUGSTORE_CHECK(again->ToString() == text);
}

}  // namespace

void Fuzz_names(Bytes input) {
  const std::string_view text = Text(input);
  const Result<Ref> ref = ParseRef(text);
  const Result<ChainRef> chain = ParseChain(text);
  const Result<PolicySpec> policy = ParsePolicy(text);
  CheckRoundTrip(ref, ParseRef);
  CheckRoundTrip(chain, ParseChain);
  CheckRoundTrip(policy, ParsePolicy);
  // Each grammar contains the one before it, but for names that begin a chain.
  if (ValidateName(text).ok()) AUGSTORE_CHECK(ref.ok() && ref->name == text);
  if (ref.ok()) {
    const bool of_transform = ValidateTransformName(ref->name).ok();
    AUGSTORE_CHECK(chain.ok() ? chain->steps.size() == (of_transform ? 1 : 0) : !of_transform);
  }
  if (chain.ok()) AUGSTORE_CHECK(policy.ok() && policy->entries.size() == 1);
  if (ValidateAlias(text).ok()) AUGSTORE_CHECK(ParseRef("a@" + std::string(text)).ok());
  if (policy.ok()) AUGSTORE_CHECK(!policy->entries.empty() && policy->entries.size() <= kMaxChains);
}

}  // namespace augstore::fuzz
