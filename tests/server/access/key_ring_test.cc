#include "server/access/key_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <thread>

#include "schemas/base/limits.h"
#include "storage/store/memory_store.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class KeyRingTest : public ::testing::Test {
 protected:
  static int64_t Now() { return std::time(nullptr); }
  KeyReply Create(const CreateKeyRequest& asked = {Role::kRead, "", 0, ""}) {
    Result<KeyReply> made = ring_.Create(asked);
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.value();
  }
  // As after a restart of the server.
  Code AfterRestart(const std::string& key) {
    return KeyRing(store_.get()).Authenticate(key).status().code();
  }

  std::unique_ptr<Store> store_ = NewMemoryStore();
  KeyRing ring_{store_.get()};
};

TEST_F(KeyRingTest, LetsInWhoeverHasTheSecretAlsoAfterARestart) {
  const KeyReply made = Create({Role::kWrite, "photos imagenet*", Now() + 3600, "of the lab"});
  const auto admitted = ring_.Authenticate(made.text);
  ASSERT_TRUE(admitted.ok()) << admitted.status().ToString();
  EXPECT_EQ(admitted->key, made.key);
  EXPECT_EQ(admitted->key.role, Role::kWrite);
  EXPECT_EQ(admitted->key.scope, "photos imagenet*");
  EXPECT_TRUE(admitted->grant->IsValidAt(Now()));
  EXPECT_FALSE(admitted->grant->IsValidAt(Now() + 3601));
  EXPECT_EQ(AfterRestart(made.text), Code::kOk);
}

TEST_F(KeyRingTest, StoresNoSecret) {
  const KeyReply made = Create({Role::kRead, "", 0, "note"});
  const std::string secret = made.text.substr(14);
  const std::vector<RecordEntry> stored = store_->ListRecords(RecordKind::kKey, "").value();
  ASSERT_EQ(stored.size(), 1u);
  for (const RecordEntry& entry : stored) {
    EXPECT_THAT(entry.key.name + entry.bytes, Not(HasSubstr(secret.substr(0, 8))));
  }
}

TEST_F(KeyRingTest, SaysTheSameOfAWrongSecretAndOfAnUnknownKey) {
  const KeyReply made = Create();
  Key wrong = NewKey().value();
  const Status unknown = ring_.Authenticate(wrong.Text()).status();
  wrong.id = made.key.id;
  EXPECT_EQ(unknown.code(), Code::kUnauthenticated);
  EXPECT_EQ(ring_.Authenticate(wrong.Text()).status().ToString(), unknown.ToString());
  EXPECT_EQ(ring_.Authenticate("no key").status().ToString(), unknown.ToString());
  // A secret of zeros is not that of a key that was never rotated.
  EXPECT_FALSE(ring_.Authenticate("augs_" + made.key.id + "_" + std::string(52, 'a')).ok());
}

TEST_F(KeyRingTest, EndsARevokedKeyAtOnceAndForGood) {
  const KeyReply made = Create();
  const auto admitted = ring_.Authenticate(made.text);
  ASSERT_TRUE(admitted.ok());
  ASSERT_TRUE(ring_.Revoke(made.key.id).ok());
  EXPECT_FALSE(admitted->grant->IsValidAt(Now())) << "whoever is in already is out as well";
  EXPECT_THAT(ring_.Authenticate(made.text).status().message(), HasSubstr("was revoked"));
  EXPECT_EQ(AfterRestart(made.text), Code::kUnauthenticated);
  EXPECT_TRUE(ring_.Revoke(made.key.id).ok()) << "again: nothing happens";
  EXPECT_EQ(ring_.Revoke("nobody").code(), Code::kNotFound);
}

TEST_F(KeyRingTest, EndsAKeyThatExpires) {
  const KeyReply made = Create({Role::kRead, "", Now() + 2, ""});
  ASSERT_TRUE(ring_.Authenticate(made.text).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  EXPECT_THAT(ring_.Authenticate(made.text).status().message(), HasSubstr("has expired"));
  EXPECT_EQ(ring_.Rotate(made.key.id, 0).status().code(), Code::kFailedPrecondition);
}

TEST_F(KeyRingTest, ReplacesASecretAtOnceOrAfterAGrace) {
  const KeyReply first = Create();
  const auto old = ring_.Authenticate(first.text);
  const KeyReply second = ring_.Rotate(first.key.id, 3600).value();
  EXPECT_EQ(second.key.id, first.key.id);
  EXPECT_TRUE(ring_.Authenticate(second.text).ok());
  EXPECT_TRUE(ring_.Authenticate(first.text).ok()) << "within the grace";
  EXPECT_TRUE(old->grant->IsValidAt(Now() + 3590));
  EXPECT_FALSE(old->grant->IsValidAt(Now() + 3610));
  EXPECT_EQ(AfterRestart(first.text), Code::kOk);

  const KeyReply third = ring_.Rotate(first.key.id, 0).value();
  EXPECT_TRUE(ring_.Authenticate(third.text).ok());
  EXPECT_THAT(ring_.Authenticate(second.text).status().message(), HasSubstr("was replaced"));
  EXPECT_FALSE(ring_.Authenticate(first.text).ok()) << "there is one secret before the present one";
  EXPECT_FALSE(old->grant->IsValidAt(Now()));
  EXPECT_EQ(AfterRestart(second.text), Code::kUnauthenticated);
  EXPECT_EQ(AfterRestart(third.text), Code::kOk);

  ASSERT_TRUE(ring_.Revoke(first.key.id).ok());
  EXPECT_FALSE(ring_.Authenticate(third.text).ok());
  EXPECT_EQ(ring_.Rotate(first.key.id, 0).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(ring_.Rotate("nobody", 0).status().code(), Code::kNotFound);
}

TEST_F(KeyRingTest, RefusesWhatAKeyCannotBe) {
  const CreateKeyRequest cases[] = {{Role::kRead, "pho*os", 0, ""},
                                    {Role::kRead, "", Now() - 1, ""},
                                    {Role::kAdmin, "photos", 0, ""}};
  for (const CreateKeyRequest& asked : cases) {
    EXPECT_EQ(ring_.Create(asked).status().code(), Code::kInvalidArgument);
  }
  const KeyReply made = Create();
  EXPECT_EQ(ring_.Rotate(made.key.id, 1u << 30).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ring_.List()->size(), 1u);
}

TEST_F(KeyRingTest, ListsKeysWithoutTheirSecrets) {
  const KeyReply made = Create({Role::kWrite, "photos", Now() + 60, "whose it is"});
  ASSERT_TRUE(ring_.Revoke(made.key.id).ok());
  const std::vector<KeyInfo> keys = ring_.List().value();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].id, made.key.id);
  EXPECT_EQ(keys[0].note, "whose it is");
  EXPECT_NE(keys[0].revoked_unix_s, 0);
}

TEST_F(KeyRingTest, ForgetsTheKeyThatEndedFirstWhenThereAreTooMany) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < kMaxKeys; ++i) ids.push_back(Create().key.id);
  EXPECT_EQ(ring_.Create({Role::kRead, "", 0, ""}).status().code(), Code::kResourceExhausted);
  ASSERT_TRUE(ring_.Revoke(ids[7]).ok());
  // It ends in this second; a key that ended before it would go first.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  Create();
  EXPECT_EQ(ring_.Revoke(ids[7]).code(), Code::kNotFound);
  EXPECT_EQ(ring_.List()->size(), kMaxKeys);
}

TEST_F(KeyRingTest, LetsNobodyInWithADamagedKeyAndEverybodyElse) {
  const KeyReply damaged = Create();
  const KeyReply sound = Create();
  ASSERT_TRUE(store_->PutRecord(RecordKind::kKey, damaged.key.id, "damaged").ok());
  const KeyRing again(store_.get());
  EXPECT_EQ(again.Authenticate(damaged.text).status().code(), Code::kUnauthenticated);
  EXPECT_TRUE(again.Authenticate(sound.text).ok());
  EXPECT_EQ(again.List().status().code(), Code::kDataLoss);
  EXPECT_THAT(again.List().status().message(), HasSubstr(damaged.key.id));
}

}  // namespace
}  // namespace augstore
