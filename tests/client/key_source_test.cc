#include "client/key_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "schemas/base/files.h"
#include "schemas/records/keys.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Address kTcp{Address::Kind::kTcp, "127.0.0.1", 7411, ""};
const Address kUnix{Address::Kind::kUnix, "", 0, "/run/augstore.sock"};

class KeySourceTest : public ::testing::Test {
 protected:
  KeySourceTest() { Clear(); }
  ~KeySourceTest() override { Clear(); }
  static void Clear() {
    ::unsetenv("AUGSTORE_KEY");
    ::unsetenv("AUGSTORE_KEY_FILE");
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = dir_.path() + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }

  TempDir dir_;
  const std::string first_ = NewKey()->Text();
  const std::string second_ = NewKey()->Text();
  const std::string third_ = NewKey()->Text();
};

TEST_F(KeySourceTest, PrefersTheFileThatIsNamedThenTheEnvironmentsFileThenItsKey) {
  EXPECT_EQ(FindKey(kTcp, "").value(), "");
  ::setenv("AUGSTORE_KEY", third_.c_str(), 1);
  EXPECT_EQ(FindKey(kTcp, "").value(), third_);
  ::setenv("AUGSTORE_KEY_FILE", File("environment", second_ + "\n").c_str(), 1);
  EXPECT_EQ(FindKey(kTcp, "").value(), second_);
  EXPECT_EQ(FindKey(kTcp, File("named", "  " + first_ + "\r\n")).value(), first_);
}

TEST_F(KeySourceTest, PresentsTheEnvironmentsKeyOverTcpAlone) {
  ::setenv("AUGSTORE_KEY", third_.c_str(), 1);
  EXPECT_EQ(FindKey(kUnix, "").value(), "");
  EXPECT_EQ(FindKey(kUnix, File("named", first_)).value(), first_);
}

TEST_F(KeySourceTest, SendsNoKeyOverANetworkThatIsNotEncrypted) {
  ::setenv("AUGSTORE_KEY", first_.c_str(), 1);
  const Address plain{Address::Kind::kTcp, "db.example.org", 7411, ""};
  EXPECT_EQ(FindKey(plain, "").value(), "");
  const Status refused = FindKey(plain, File("key", first_)).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("write tls://"));
  const Address encrypted{Address::Kind::kTls, "db.example.org", 7411, ""};
  EXPECT_EQ(FindKey(encrypted, "").value(), first_);
}

TEST_F(KeySourceTest, NamesTheFileAndNeverWhatIsInIt) {
  EXPECT_EQ(FindKey(kTcp, dir_.path() + "/none").status().code(), Code::kNotFound);
  const std::string wrong = first_.substr(0, first_.size() - 1);
  const std::string path = File("wrong", wrong);
  for (const Status& status :
       {FindKey(kTcp, path).status(),
        (::setenv("AUGSTORE_KEY", wrong.c_str(), 1), FindKey(kTcp, "").status())}) {
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), Not(HasSubstr(wrong.substr(10))));
  }
  EXPECT_THAT(FindKey(kTcp, path).status().message(), HasSubstr(path));
}

}  // namespace
}  // namespace augstore
