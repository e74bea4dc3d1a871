#include "server/service/service_operate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/ask.h"
#include "tests/support/eventually.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

TEST(ServiceOperateTest, StopsAStreamUntilItsConnectionIsClosed) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto opened =
      Ask<StreamReply>(service, OpenStreamRequest{{.collection = "toy", .batch_size = 8}});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const PrincipalPointer reader = Owner(7, "unix");
  const Frame run = ToFrame(BatchesRequest{opened->spec, opened->fingerprint, 0, 0, 3});
  const std::unique_ptr<ReplySource> source = service.Start(run, reader);
  EXPECT_EQ(source->Next()->type, MessageType::kBatchReply);
  const uint64_t id = service.metrics().streams.List().at(0)->id;
  EXPECT_EQ(Ask<EndReply>(service, StopStreamRequest{id + 1}).status().code(), Code::kNotFound);
  ASSERT_TRUE(Ask<EndReply>(service, StopStreamRequest{id}).ok());
  const Status ended = ExpectType(*source->Next(), MessageType::kBatchReply);
  EXPECT_EQ(ended.code(), Code::kFailedPrecondition);
  EXPECT_THAT(ended.message(), HasSubstr("an administrator stopped this stream"));
  Frame again = run;
  EXPECT_EQ(service.Start(again, reader)->Next()->type, MessageType::kErrorReply);
  EXPECT_EQ(service.Start(again, Owner(7, "unix"))->Next()->type, MessageType::kBatchReply)
      << "another connection";
}

TEST(ServiceOperateTest, ReadsTheLastLinesOfTheAuditLog) {
  const TempDir folder;
  FilledStore filled;
  AuditLog audit(folder.path(), 1 << 20);
  Service service(filled.catalog.get(), {.folder = folder.path(), .audit = &audit});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Ask<KeyReply>(service, CreateKeyRequest{Role::kRead, "", 0, ""}).ok());
  }
  const auto read = [&](uint32_t most) {
    const auto reply = Ask<JsonReply>(service, ReadAuditRequest{most});
    return reply.ok() ? Json::parse(reply->json)["lines"] : Json();
  };
  ASSERT_TRUE(Eventually([&] { return read(10).size() == 5; })) << "another thread writes them";
  const Json lines = read(3);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2]["what"], "CreateKey");
}

TEST(ServiceOperateTest, SaysThatThereIsNoAuditLogAndNoSettings) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  EXPECT_EQ(Ask<JsonReply>(service, ReadAuditRequest{}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Ask<JsonReply>(service, ConfigRequest{}).status().code(), Code::kFailedPrecondition);
  Service other(filled.catalog.get(), {.settings = R"({"settings": []})"});
  EXPECT_EQ(Ask<JsonReply>(other, ConfigRequest{})->json, R"({"settings": []})");
}

}  // namespace
}  // namespace augstore
