#include "schemas/base/names.h"

#include <gtest/gtest.h>

#include <random>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

// The message of a refusal, or an empty text when `result` is ok.
template <typename T>
std::string Refusal(const T& result) {
  const Status status = internal::ToStatus(result);
  EXPECT_TRUE(status.ok() || status.code() == Code::kInvalidArgument);
  return status.message();
}

TEST(ValidateName, AcceptsTheGrammar) {
  for (const char* name : {"a", "0", "_x", "cifar10", "resnet-18.v2+x", "mlp(1024,128)", "f()",
                           "rotate(-15)", "identity2", "Identity"}) {
    EXPECT_TRUE(ValidateName(name).ok()) << name;
  }
  EXPECT_TRUE(ValidateName(std::string(kMaxNameBytes, 'a')).ok());
}

TEST(ValidateName, RefusesEverythingElse) {
  for (const char* name :
       {"",    "-a", ".a",  "+a",    "a b",     " a", "a@1", "a>b",    "a,b",      "a:b",
        "a/b", "f(", "f(1", "f(1)x", "f(1)(2)", "f)", "(x)", "f((1))", "\xc3\xa9", "a\n"}) {
    EXPECT_NE(Refusal(ValidateName(name)), "") << name;
  }
  EXPECT_NE(Refusal(ValidateName(std::string(kMaxNameBytes + 1, 'a'))), "");
  EXPECT_NE(Refusal(ValidateName(std::string_view("a\0b", 3))), "");
}

TEST(ValidateName, ReservesIdentity) {
  EXPECT_NE(Refusal(ValidateName("identity")).find("reserved"), std::string::npos);
}

TEST(ValidateTransformName, ReservesWhatBeginsAChainForTransformsAlone) {
  for (const char* name : {"views", "view(vflip)", "view()"}) {
    EXPECT_NE(Refusal(ValidateTransformName(name)).find("stored views"), std::string::npos) << name;
    EXPECT_TRUE(ValidateName(name).ok()) << "another kind of record, or one of an older store";
    EXPECT_TRUE(ParseRef(name).ok());
  }
  EXPECT_NE(Refusal(ValidateTransformName("identity")), "");
  for (const char* name : {"view", "views2", "viewer(1)"}) {
    EXPECT_TRUE(ValidateTransformName(name).ok());
  }
}

TEST(ParseChain, BeginsWithAStoredView) {
  EXPECT_EQ(*ParseChain("views"), (ChainRef{""}));
  EXPECT_EQ(*ParseChain(" views > blur@2 "), (ChainRef{"", {{{"blur", 2, ""}, "", false}}}));
  EXPECT_EQ(*ParseChain("view(rotate( -30 .. 30 ) > vflip)>blur"),
            (ChainRef{"rotate(-30..30)>vflip", {{{"blur", 0, ""}, "", false}}}));
  EXPECT_EQ(*ParseChain("views2"), (ChainRef{std::nullopt, {{{"views2", 0, ""}, "", false}}}));
  for (const char* text :
       {"views", "view(vflip)", "views>blur@2", "view(rotate(30)>vflip)>a@b[hflip]~"}) {
    EXPECT_EQ(ParseChain(text)->ToString(), text);
  }
  EXPECT_EQ(ParsePolicy("identity,views:2,view(rotate(1,2)):3,views>a:0.5")->ToString(),
            "identity,views:2,view(rotate(1,2)):3,views>a:0.5");
  for (const char* text : {"views@1", "views>", "views>views", "a>views", "view()", "view(vflip",
                           "view(vflip))", "view(1 5)>", "view(vflip)@2", "views~", "views[hflip]",
                           "identity>views", "views>identity"}) {
    EXPECT_NE(Refusal(ParseChain(text)), "") << text;
  }
}

TEST(ValidateAlias, AcceptsTheGrammarOnly) {
  for (const char* alias : {"champion", "_x", "v1.2-rc"}) {
    EXPECT_TRUE(ValidateAlias(alias).ok()) << alias;
  }
  for (const char* alias : {"", "1", "-x", "a b", "a+b", "a@b", "f(x)"}) {
    EXPECT_NE(Refusal(ValidateAlias(alias)), "") << alias;
  }
}

TEST(ParseRef, ReadsNameVersionAndAlias) {
  EXPECT_EQ(*ParseRef("hflip"), (Ref{"hflip", 0, ""}));
  EXPECT_EQ(*ParseRef("hflip@3"), (Ref{"hflip", 3, ""}));
  EXPECT_EQ(*ParseRef("hflip@4294967295"), (Ref{"hflip", UINT32_MAX, ""}));
  EXPECT_EQ(*ParseRef("mlp(1,2)@champion"), (Ref{"mlp(1,2)", 0, "champion"}));
  EXPECT_EQ(*ParseRef(" hflip @\t3 "), (Ref{"hflip", 3, ""}));
}

TEST(ParseRef, RefusesBadVersions) {
  for (const char* text : {"a@", "a@0", "a@01", "a@-1", "a@+1", "a@1.5", "a@4294967296", "a@1x",
                           "a@1@2", "@1", "a@ ", "identity@1"}) {
    EXPECT_NE(Refusal(ParseRef(text)), "") << text;
  }
}

TEST(ParseRef, NamesTextPlaceAndExpectation) {
  EXPECT_EQ(Refusal(ParseRef("hflip@#")),
            "reference 'hflip@#': at position 6 found '#', expected a version (1, 2, ...) or an "
            "alias (it begins with a letter or '_')");
  EXPECT_EQ(Refusal(ParseRef("a b")),
            "reference 'a b': at position 2 found 'b', expected '@' or the end");
}

TEST(ParseRef, ShortensAndCleansTheTextInItsMessage) {
  const std::string message = Refusal(ParseRef("#\x1b[31m" + std::string(10000, 'x')));
  EXPECT_LT(message.size(), 400U);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST(ParseChain, ReadsIdentityAsNoTransforms) {
  for (const char* text : {"identity", " identity "}) {
    const auto chain = ParseChain(text);
    ASSERT_TRUE(chain.ok());
    EXPECT_TRUE(chain->steps.empty());
    EXPECT_EQ(chain->ToString(), "identity");
  }
}

TEST(ParseChain, ReadsTransformsInOrder) {
  const auto chain = ParseChain("hflip@1 > rotate(15)@champion>identity2");
  ASSERT_TRUE(chain.ok()) << chain.status().ToString();
  ASSERT_EQ(chain->steps.size(), 3U);
  EXPECT_EQ(chain->steps[1].transform, (Ref{"rotate(15)", 0, "champion"}));
  EXPECT_EQ(chain->ToString(), "hflip@1>rotate(15)@champion>identity2");
}

TEST(ParseChain, ReadsOpsInBracketsAndDrawnResiduals) {
  const auto chain = ParseChain("geo@2[ hflip > rotate( -15 .. 15 ) ]~ > rotate(15)~>x");
  ASSERT_TRUE(chain.ok()) << chain.status().ToString();
  ASSERT_EQ(chain->steps.size(), 3U);
  EXPECT_EQ(chain->steps[0], (ChainStep{{"geo", 2, ""}, "hflip>rotate(-15..15)", true}));
  EXPECT_EQ(chain->steps[1], (ChainStep{{"rotate(15)", 0, ""}, "", true}));
  EXPECT_EQ(chain->steps[2], (ChainStep{{"x", 0, ""}, "", false}));
  EXPECT_EQ(chain->ToString(), "geo@2[hflip>rotate(-15..15)]~>rotate(15)~>x");
}

TEST(ParseChain, RefusesBracketsThatHoldNoOps) {
  for (const char* text :
       {"a[", "a[]", "a[x", "a[x>]", "a[>x]", "a[x(]", "a[x(1]", "a[x(a)]", "a[x]]", "a~~", "~",
        "a~[x]", "[x]", "identity~", "identity[x]", "a[x@1]", "a[x(1 5)]", "a[x((1)]"}) {
    EXPECT_NE(Refusal(ParseChain(text)), "") << text;
  }
}

TEST(ParseChain, RefusesHolesAndIdentityAmongTransforms) {
  for (const char* text :
       {"", " ", ">", "a>", ">a", "a>>b", "identity>a", "a>identity", "a:2", "a,b", "identity@1"}) {
    EXPECT_NE(Refusal(ParseChain(text)), "") << text;
  }
}

TEST(ParseChain, BoundsItsLength) {
  std::string text = "a";
  for (uint32_t i = 1; i < kMaxChainLength; ++i) text += ">a";
  EXPECT_TRUE(ParseChain(text).ok());
  EXPECT_NE(Refusal(ParseChain(text + ">a")), "");
}

TEST(ParsePolicy, ReadsChainsAndWeights) {
  const auto policy = ParsePolicy("identity:2, hflip@1 : .5 ,hflip>rotate(1,2)@4:1e-3,x");
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  ASSERT_EQ(policy->entries.size(), 4U);
  EXPECT_EQ(policy->entries[0].weight, 2);
  EXPECT_EQ(policy->entries[1].weight, 0.5);
  EXPECT_EQ(policy->entries[2].weight, 0.001);
  EXPECT_EQ(policy->entries[2].chain.steps[1].transform.name, "rotate(1,2)");
  EXPECT_EQ(policy->entries[3].weight, 1);
  EXPECT_EQ(policy->ToString(), "identity:2,hflip@1:0.5,hflip>rotate(1,2)@4:0.001,x");
}

TEST(ParsePolicy, SeparatesNothingInsideBrackets) {
  const auto policy = ParsePolicy("geo[translate(-2..2,1)>hflip]~:2,vflip~");
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  ASSERT_EQ(policy->entries.size(), 2U);
  EXPECT_EQ(policy->entries[0].chain.steps[0].ops, "translate(-2..2,1)>hflip");
  EXPECT_EQ(policy->ToString(), "geo[translate(-2..2,1)>hflip]~:2,vflip~");
}

TEST(ParsePolicy, RefusesWhatIsNoPolicy) {
  for (const char* text :
       {"", ",", "a,", ",a", "a:", "a:0", "a:-1", "a:+1", "a:nan", "a:inf", "a:1e999", "a:1e-999",
        "a:0x10", "a:1:2", "a:1 2", "a(b", "a:1,,b", "a;b"}) {
    EXPECT_NE(Refusal(ParsePolicy(text)), "") << text;
  }
}

TEST(ParsePolicy, BoundsItsChainsAndItsText) {
  std::string text = "a";
  for (uint32_t i = 1; i < kMaxChains; ++i) text += ",a";
  EXPECT_TRUE(ParsePolicy(text).ok());
  EXPECT_NE(Refusal(ParsePolicy(text + ",a")), "");
  EXPECT_NE(Refusal(ParsePolicy("a" + std::string(kMaxTextBytes, ' '))), "");
}

TEST(ParsePolicy, ReadsEveryWeightThatItPrints) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    PolicySpec policy;
    const double weight =
        std::ldexp(static_cast<double>(random() | 1), static_cast<int>(random() % 1900) - 1000);
    policy.entries.push_back(
        {ChainRef{std::nullopt, {ChainStep{{"a", 1, ""}, "", false}}}, weight});
    policy.entries.push_back({ChainRef{}, 1.0 / (1.0 + static_cast<double>(i))});
    const auto again = ParsePolicy(policy.ToString());
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(*again, policy);
  }
}

TEST(ParsePolicy, SurvivesRandomText) {
  constexpr std::string_view kAlphabet = "ab1@>:,()[]~ .-identity";
  std::mt19937 random(2);
  size_t parsed = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
    const auto policy = ParsePolicy(text);
    if (!policy.ok()) continue;
    ++parsed;
    const auto again = ParsePolicy(policy->ToString());
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(*again, *policy) << text;
  }
  EXPECT_GT(parsed, 100U);
}

TEST(ValidateName, ShowsTheNameAsItWasTypedAndSaysWhatOneMayContain) {
  const Status status = ValidateName("größe");
  EXPECT_NE(status.message().find("'größe'"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("found 'ö', expected one of A-Z a-z 0-9 _ . + -"),
            std::string::npos)
      << status.message();
  EXPECT_NE(ValidateName("a\x1b\xc2\x9b\xff").message().find("'a\?\?\?\?'"), std::string::npos);
}

TEST(EditDistance, CountsLettersThatAreAddedRemovedReplacedOrSwapped) {
  EXPECT_EQ(EditDistance("ingest", "ingest"), 0u);
  EXPECT_EQ(EditDistance("ingest", "igest"), 1u);
  EXPECT_EQ(EditDistance("ingest", "ignest"), 1u);
  EXPECT_EQ(EditDistance("flip", "slips"), 2u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
}

}  // namespace
}  // namespace augstore
