#include "schemas/records/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Keys, AreNeverTheSameTwice) {
  std::set<std::string> ids;
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) {
    const Result<Key> key = NewKey();
    ASSERT_TRUE(key.ok()) << key.status().ToString();
    EXPECT_EQ(key->id.size(), 8u);
    EXPECT_EQ(key->secret.size(), 52u);
    ids.insert(key->id);
    secrets.insert(key->secret);
  }
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(secrets.size(), 100u);
}

TEST(Keys, ComeBackFromTheirText) {
  const Key key = NewKey().value();
  for (const std::string& text : {key.Text(), " " + key.Text() + "\r\n", key.Text() + "\n"}) {
    const Result<Key> parsed = ParseKey(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(parsed->id, key.id);
    EXPECT_EQ(parsed->secret, key.secret);
  }
}

TEST(Keys, AreRefusedWithATypingErrorAndNoMessageShowsTheText) {
  const std::string text = NewKey()->Text();
  std::string upper = text;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const std::string& wrong :
       {text.substr(1), text + "a", text.substr(0, 20), upper,
        text.substr(0, 13) + "-" + text.substr(14), text.substr(0, 65) + "1"}) {
    const Result<Key> parsed = ParseKey(wrong);
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument) << wrong;
    EXPECT_THAT(parsed.status().message(), Not(HasSubstr(wrong)));
    EXPECT_THAT(parsed.status().message(), Not(HasSubstr(text.substr(14, 20))));
  }
  EXPECT_EQ(ParseKey("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseKey(" \n").status().code(), Code::kInvalidArgument);
}

TEST(Keys, AreComparedByTheHashesOfTheirSecrets) {
  const Key a = NewKey().value();
  const Key b = NewKey().value();
  EXPECT_TRUE(AreEqual(HashSecret(a.secret), HashSecret(a.secret)));
  EXPECT_FALSE(AreEqual(HashSecret(a.secret), HashSecret(b.secret)));
  Digest nearly = HashSecret(a.secret);
  nearly.bytes[31] ^= 1;
  EXPECT_FALSE(AreEqual(HashSecret(a.secret), nearly));
}

TEST(Scopes, AreNamesAndBeginnings) {
  for (const char* good : {"", "photos", "imagenet*", "photos imagenet* op(1,2)"}) {
    EXPECT_TRUE(ValidateScope(good).ok()) << good;
  }
  for (const char* bad : {"*", "photos@2", "a**", "photos  x", "pho*os", "-x", "x\ny"}) {
    EXPECT_EQ(ValidateScope(bad).code(), Code::kInvalidArgument) << bad;
  }
}

TEST(Scopes, HaveTheCollectionsThatTheyName) {
  EXPECT_TRUE(IsInScope("", "anything"));
  EXPECT_TRUE(IsInScope("photos imagenet*", "photos"));
  EXPECT_TRUE(IsInScope("photos imagenet*", "imagenet"));
  EXPECT_TRUE(IsInScope("photos imagenet*", "imagenet-v2"));
  for (const char* other : {"photo", "photos2", "image", "", "Photos", "photos imagenet"}) {
    EXPECT_FALSE(IsInScope("photos imagenet*", other)) << other;
  }
}

TEST(Roles, ComeBackFromTheirNames) {
  for (const Role role : {Role::kRead, Role::kWrite, Role::kAdmin}) {
    EXPECT_EQ(ParseRole(RoleName(role)).value(), role);
  }
  EXPECT_EQ(ParseRole("root").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
