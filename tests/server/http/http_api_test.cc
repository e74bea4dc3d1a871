#include "server/http/http_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/ask.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

class HttpApiTest : public ::testing::Test {
 protected:
  HttpReply Send(const std::string& method, const std::string& name, const std::string& body = "",
                 std::map<std::string, std::string> query = {}) {
    HttpRequest request{.method = method,
                        .path = "/api/v1/" + name,
                        .query = std::move(query),
                        .key = "",
                        .content_type = type_,
                        .body = body};
    return AnswerApi(&service_, options_, request, caller_, {});
  }
  Json Post(const std::string& name, const Json& body) {
    const HttpReply reply = Send("POST", name, body.dump());
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.type, "application/json");
    return Json::parse(reply.body);
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
  HttpApiOptions options_;
  PrincipalPointer caller_ = Owner(0, "test");
  std::string type_ = "application/json";
};

TEST_F(HttpApiTest, AnswersARequestInJson) {
  const Json json =
      Post("Query", {{"collection", "toy"}, {"samples", {3, 1}}, {"chain", "double"}});
  EXPECT_EQ(json["dim"], kTestDim);
  EXPECT_EQ(json["rows"][0][2].get<float>(), 2 * TestValue(3, 2));
  EXPECT_EQ(json["rows"][1][0].get<float>(), 2 * TestValue(1, 0));
  EXPECT_EQ(Post("Browse", {{"kind", "transform"}})["records"][0]["name"], "double");
}

TEST_F(HttpApiTest, TakesWhatOnlyLooksFromTheUrl) {
  const HttpReply reply = Send("GET", "GetRecord", "", {{"kind", "transform"}, {"ref", "shift@1"}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Json::parse(reply.body)["record"]["family"], "custom");
  const HttpReply write = Send("GET", "DeleteRecord", "", {{"ref", "toy"}});
  EXPECT_EQ(write.status, 405);
  EXPECT_EQ(write.headers.at(0).second, "POST");
  EXPECT_EQ(Send("DELETE", "DeleteRecord").status, 405);
}

TEST_F(HttpApiTest, ReplaysOneBatchWithoutAppearingAsAStream) {
  const Json opened = Post("OpenStream", {{"spec", {{"collection", "toy"}, {"batch_size", 8}}}});
  const Json batch = Post("Batches", {{"spec", opened["spec"]},
                                      {"fingerprint", opened["fingerprint"]},
                                      {"epoch", 1},
                                      {"step", 2},
                                      {"count", 1}});
  EXPECT_EQ(batch["sample_ids"].size(), 8u);
  EXPECT_EQ(batch["step"], 2);
  EXPECT_TRUE(service_.metrics().streams.List().empty());
  const HttpReply several =
      Send("POST", "Batches",
           Json({{"spec", opened["spec"]}, {"fingerprint", opened["fingerprint"]}, {"count", 2}})
               .dump());
  EXPECT_EQ(several.status, 400);
  EXPECT_THAT(several.body, HasSubstr("one batch at a time"));
}

TEST_F(HttpApiTest, SaysWhatIsWrongAsJson) {
  const std::tuple<const char*, const char*, int, const char*> cases[] = {
      {"Query", R"({"collection": "nothing", "samples": [1]})", 404, "NotFound"},
      {"Query", R"({"collection": "toy", "samples": [99999]})", 400, "InvalidArgument"},
      {"Query", R"({"colection": "toy"})", 400, "InvalidArgument"},
      {"Query", R"({"collection")", 400, "InvalidArgument"},
      {"Query", R"([1])", 400, "InvalidArgument"},
      {"Nothing", "{}", 404, "NotFound"},
      {"", "{}", 404, "NotFound"},
      {"AppendRows", "{}", 404, "NotFound"},
      {"GetRecord", R"({"kind": "transform", "ref": "shift", "with_blob": true})", 400,
       "InvalidArgument"},
  };
  for (const auto& [name, body, status, code] : cases) {
    const HttpReply reply = Send("POST", name, body);
    EXPECT_EQ(reply.status, status) << name << body << reply.body;
    EXPECT_EQ(Json::parse(reply.body)["code"], code) << name << body;
  }
}

TEST_F(HttpApiTest, TakesNoFormThatAPageOfAnotherSiteCouldSend) {
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
    type_ = type;
    EXPECT_EQ(Send("POST", "DeleteRecord", R"({"kind": "collection", "ref": "toy"})").status, 400);
  }
  type_ = "application/json; charset=utf-8";
  EXPECT_EQ(Send("POST", "Browse", "{}").status, 200);
  EXPECT_EQ(Send("POST", "Browse", "").status, 200) << "no fields";
}

TEST_F(HttpApiTest, DemandsAKeyOfTheRoleThatTheRequestNeeds) {
  caller_ = std::make_shared<Principal>(Nobody("tcp 1"));
  const HttpReply nobody = Send("POST", "Stats");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.headers.at(0).first, "WWW-Authenticate");
  const Json session = Json::parse(Send("GET", "Session").body);
  EXPECT_EQ(session["role"], "none");
  EXPECT_EQ(session["store_id"], "");

  caller_ =
      std::make_shared<Principal>(Principal{"key k", "tcp 1", Role::kRead, "photos", nullptr});
  EXPECT_EQ(Send("POST", "Query", R"({"collection": "toy", "samples": [1]})").status, 403);
  EXPECT_EQ(Send("POST", "ListKeys").status, 403);
  EXPECT_EQ(Json::parse(Send("GET", "Session").body)["scope"], "photos");
  EXPECT_EQ(Json::parse(Send("GET", "Session").body)["role"], "read");
}

TEST_F(HttpApiTest, HasATextForNamesOfAnyBytes) {
  const HttpReply reply = Send("POST", "Query", R"({"collection": "\ud83d\ude00", "samples": []})");
  EXPECT_EQ(reply.status, 400) << reply.body;
  EXPECT_TRUE(Json::accept(reply.body));
}

TEST_F(HttpApiTest, SendsTheImageOfASample) {
  const auto get = [&](const std::string& sample) {
    return Send("GET", "image", "", {{"collection", "toy@1"}, {"sample", sample}});
  };
  EXPECT_EQ(get("3").status, 404) << "no folder of images";
  const TempDir images;
  options_.images = images.path();
  EXPECT_EQ(get("3").status, 404);
  std::ofstream(images.path() + "/image3.png", std::ios::binary) << "\x89PNG\r\n\x1a\n";
  const HttpReply image = get("3");
  EXPECT_EQ(image.status, 200) << image.body;
  EXPECT_EQ(image.type, "image/png");
  EXPECT_EQ(get("1000").status, 404) << "after the last sample";
  EXPECT_EQ(get("x").status, 400);
  EXPECT_EQ(Json::parse(Send("GET", "Session").body)["images"], true);
  caller_ =
      std::make_shared<Principal>(Principal{"key k", "tcp 1", Role::kRead, "photos", nullptr});
  EXPECT_EQ(get("3").status, 403);
  caller_ = std::make_shared<Principal>(Nobody("tcp 1"));
  EXPECT_EQ(get("3").status, 401);
}

TEST_F(HttpApiTest, DescribesItselfToPrograms) {
  const Json api = Json::parse(Send("GET", "openapi.json").body);
  EXPECT_EQ(api["openapi"], "3.1.0");
  const Json& query = api["paths"]["/api/v1/Query"];
  const Json& fields = query["post"]["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(fields["properties"]["samples"]["type"], "array");
  EXPECT_TRUE(query.contains("get"));
  EXPECT_FALSE(api["paths"]["/api/v1/DeleteRecord"].contains("get"));
  const Json kinds = api["paths"]["/api/v1/Browse"]["get"]["parameters"][0]["schema"]["enum"];
  EXPECT_EQ(kinds, Json({"backbone", "collection", "transform", "head", "aliases"}));
  for (const char* name : {"Session", "image", "openapi.json"}) {
    EXPECT_TRUE(api["paths"].contains(std::string(kApiPrefix) + name)) << name;
  }
}

TEST_F(HttpApiTest, RefusesRepliesThatWouldBeHugeTexts) {
  ASSERT_TRUE(AddWideCollection(*filled_.catalog).ok());
  Json samples = Json::array();
  for (int i = 0; i < 200; ++i) samples.push_back(i);
  const HttpReply reply =
      Send("POST", "Query", Json({{"collection", "wide"}, {"samples", samples}}).dump());
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr("ask for less at once"));
  for (int i = 0; i < 1000; ++i) samples.push_back(0);
  EXPECT_EQ(
      Send("POST", "Query", Json({{"collection", "toy"}, {"samples", samples}}).dump()).status,
      400);
}

TEST_F(HttpApiTest, TakesTheMemoryOfTextsFromTheBudgetUntilTheyAreSent) {
  Service small(filled_.catalog.get(), {.message_bytes = 40'000});
  const auto ask = [&](int samples) {
    HttpRequest request{
        .method = "POST", .path = "/api/v1/Query", .key = "", .content_type = type_};
    Json list = Json::array();
    for (int i = 0; i < samples; ++i) list.push_back(i);
    request.body = Json({{"collection", "toy"}, {"samples", list}}).dump();
    return AnswerApi(&small, options_, request, caller_, {});
  };
  {
    const HttpReply held = ask(20);
    EXPECT_EQ(held.status, 200) << held.body;
    EXPECT_GT(small.memory().taken(), held.body.size());
  }
  EXPECT_EQ(small.memory().taken(), 0u);
  EXPECT_EQ(ask(200).status, 429);
}

TEST_F(HttpApiTest, DoesNothingForAClientThatIsGone) {
  std::stop_source gone;
  gone.request_stop();
  HttpRequest request{.method = "POST",
                      .path = "/api/v1/DeleteRecord",
                      .key = "",
                      .content_type = type_,
                      .body = R"({"kind": "transform", "ref": "double"})"};
  const Cancellation cancelled(gone.get_token(), Cancellation::Clock::time_point::max());
  EXPECT_EQ(AnswerApi(&service_, options_, request, caller_, cancelled).status, 503);
  EXPECT_TRUE(filled_.catalog->Get<TransformRecord>("double").ok());
}

TEST_F(HttpApiTest, KnowsWhatTakesLong) {
  EXPECT_EQ(CostOf("/api/v1/Project", *caller_), ApiCost::kLong);
  EXPECT_EQ(CostOf("/api/v1/RevokeKey", *caller_), ApiCost::kQuick);
  EXPECT_EQ(CostOf("/api/v1/Session", *caller_), ApiCost::kNothing);
  EXPECT_EQ(CostOf("/api/v1/Project", Nobody("tcp 1")), ApiCost::kNothing) << "it is refused";
}

}  // namespace
}  // namespace augstore
