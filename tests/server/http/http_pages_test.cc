#include "server/http/http_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/metrics/metrics_text.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HttpPagesTest : public ::testing::Test {
 protected:
  HttpReply Get(const std::string& path, const Principal& caller = Nobody("tcp 127.0.0.1:1")) {
    return pages_.Answer({.method = "GET", .path = path, .key = ""}, Pointer(caller), {});
  }
  static PrincipalPointer Pointer(const Principal& caller) {
    return std::make_shared<Principal>(caller);
  }
  static Principal Caller(Role role, const std::string& scope = "") {
    return {"key k", "tcp 127.0.0.1:1", role, scope, nullptr};
  }

  bool alive_ = true;
  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
  HttpPages pages_{&service_, [this] { return alive_; }};
};

TEST_F(HttpPagesTest, IsHealthyAsLongAsTheSocketsAreServed) {
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
  alive_ = false;
  EXPECT_EQ(Get("/healthz").status, 503);
  EXPECT_EQ(Get("/readyz").status, 503);
}

TEST_F(HttpPagesTest, IsNotReadyWithoutRoomAndTellsNoPath) {
  const TempDir folder;
  Service full(filled_.catalog.get(), {.folder = folder.path(), .least_free_bytes = ~uint64_t{0}});
  const HttpPages pages(&full, [] { return true; });
  const HttpReply reply =
      pages.Answer({.method = "GET", .path = "/readyz", .key = ""}, Pointer(Nobody("test")), {});
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("MiB are free for the store"));
  EXPECT_THAT(reply.body, Not(HasSubstr(folder.path())));
  EXPECT_EQ(
      pages.Answer({.method = "GET", .path = "/healthz", .key = ""}, Pointer(Nobody("test")), {})
          .status,
      200);
}

TEST_F(HttpPagesTest, TellsMetricsToThoseWhoMaySeeAllCollections) {
  const HttpReply nobody = Get("/metrics");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.headers.at(0).first, "WWW-Authenticate");
  const Principal scoped = Caller(Role::kAdmin, "photos");
  EXPECT_EQ(Get("/metrics", scoped).status, 403);
  Principal ended = Caller(Role::kRead);
  ended.grant = std::make_shared<KeyGrant>(1);
  EXPECT_EQ(Get("/metrics", ended).status, 401);
  const Principal reader = Caller(Role::kRead);
  const HttpReply metrics = Get("/metrics", reader);
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.type, kMetricsType);
  EXPECT_THAT(metrics.body, HasSubstr("augstore_build_info{version="));
}

TEST_F(HttpPagesTest, HasNothingElseAndTakesNothing) {
  for (const std::string path :
       {"/metrics/", "/console", "/index.html/", "/../etc/passwd", "/healthz/x", "/HEALTHZ"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  const HttpReply reply =
      pages_.Answer({.method = "POST", .path = "/metrics", .key = ""}, Pointer(Nobody("test")), {});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at(0), std::pair(std::string("Allow"), std::string("GET, HEAD")));
}

}  // namespace
}  // namespace augstore
