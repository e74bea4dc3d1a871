#include "schemas/wire/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/certificates.h"

namespace augstore {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(TlsContext, SaysWhoseCertificateItHas) {
  const Certificates certificates;
  const auto context = TlsContext::ForServer(certificates.Server());
  ASSERT_TRUE(context.ok()) << context.status().ToString();
  EXPECT_THAT((*context)->Describe(), AllOf(HasSubstr("CN=server"), HasSubstr("valid until")));
}

void ExpectRefused(const TlsFiles& files, std::string_view reason) {
  for (const auto& context : {TlsContext::ForServer(files), TlsContext::ForClient(files)}) {
    ASSERT_FALSE(context.ok()) << reason;
    EXPECT_EQ(context.status().code(), Code::kInvalidArgument);
    EXPECT_THAT(context.status().message(), HasSubstr(std::string(reason)));
  }
}

TEST(TlsContext, RefusesFilesThatItCannotUseAndNamesThem) {
  const Certificates certificates;
  const TlsFiles good = certificates.Server();
  const TlsFiles other = certificates.Issue("other", "DNS:other");
  const TempDir dir;
  const std::string garbage = dir.Write("garbage.pem", "-----BEGIN NONSENSE-----");
  ::chmod(garbage.c_str(), 0600);
  ExpectRefused({"", good.certificate, ""}, "belong together");
  ExpectRefused({"", "", good.key}, "belong together");
  ExpectRefused({"", "/nowhere.pem", good.key}, "'/nowhere.pem' cannot be used: No such file");
  ExpectRefused({"", good.certificate, "/nowhere.key"}, "'/nowhere.key' cannot be read: No such");
  ExpectRefused({"", garbage, good.key}, "'" + garbage + "' cannot be used");
  ExpectRefused({"", good.certificate, garbage}, "'" + garbage + "' cannot be used");
  ExpectRefused({"", good.certificate, other.key}, "is not that of the certificate");
  ExpectRefused({garbage, good.certificate, good.key}, "'" + garbage + "' cannot be used");
  ExpectRefused({"/nowhere.pem", good.certificate, good.key}, "'/nowhere.pem' cannot be used");
}

TEST(TlsContext, RefusesAServerWithoutACertificate) {
  EXPECT_EQ(TlsContext::ForServer({}).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(TlsContext::ForClient({}).ok());
}

TEST(TlsContext, RefusesAKeyThatOthersCanRead) {
  const Certificates certificates;
  const TlsFiles files = certificates.Server();
  for (const mode_t mode : {0644, 0604, 0660, 0602}) {
    ASSERT_EQ(::chmod(files.key.c_str(), mode), 0);
    ExpectRefused(files, "others can read the key '" + files.key + "'");
  }
  ASSERT_EQ(::chmod(files.key.c_str(), 0400), 0);
  EXPECT_TRUE(TlsContext::ForServer(files).ok());
}

TEST(TlsContext, RefusesACertificateThatHasExpired) {
  const Certificates certificates;
  ExpectRefused(certificates.IssueExpired("old", "DNS:localhost"), "has expired");
}

}  // namespace
}  // namespace augstore
