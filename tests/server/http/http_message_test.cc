#include "server/http/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace augstore {
namespace {

using ::testing::HasSubstr;

// What `describe` says of each request of a connection whose bytes come in parts of this size.
template <typename Describe>
std::string ReadInParts(std::string_view bytes, size_t part, const Describe& describe) {
  HttpReader reader;
  std::string read;
  for (size_t begin = 0; begin < bytes.size(); begin += part) {
    reader.Add(bytes.substr(begin, part));
    for (;;) {
      const auto next = reader.Next();
      EXPECT_TRUE(next.ok()) << next.status().ToString();
      if (!next.ok() || !next->has_value()) break;
      read += describe(**next);
    }
  }
  EXPECT_FALSE(reader.in_request()) << "in parts of " << part;
  return read;
}

TEST(HttpMessageTest, ReadsWhatARequestAsksFor) {
  const auto request = ParseHttpHead(
      "GET /metrics?name=x HTTP/1.1\r\nHost: store.lan\r\nauthorization: bearer aug_1_2\r\n\r\n");
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->path, "/metrics");
  EXPECT_EQ(request->key, "aug_1_2");
  EXPECT_TRUE(request->keep_alive);
}

TEST(HttpMessageTest, KnowsWhenTheConnectionEnds) {
  EXPECT_FALSE(ParseHttpHead("GET / HTTP/1.0\r\n\r\n")->keep_alive);
  EXPECT_FALSE(ParseHttpHead("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")->keep_alive);
  EXPECT_TRUE(ParseHttpHead("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
}

TEST(HttpMessageTest, TakesNoKeyOfAnotherScheme) {
  for (const std::string value : {"Basic dXNlcg==", "Bearer", "Bearer ", "bearerx y", ""}) {
    const auto request =
        ParseHttpHead("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + value + "\r\n\r\n");
    ASSERT_TRUE(request.ok()) << value;
    EXPECT_EQ(request->key, "") << value;
  }
}

TEST(HttpMessageTest, RefusesWhatIsNoRequest) {
  for (const std::string head :
       {"", "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / FTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n",
        "GET / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 7\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\nmore"}) {
    const Status status = ParseHttpHead(head).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << head;
    EXPECT_THAT(status.message(), HasSubstr("no HTTP request")) << head;
  }
}

TEST(HttpMessageTest, ReadsTheQueryOfAUrl) {
  const auto request = ParseHttpHead(
      "GET /api/v1/Browse?kind=head&find=a+b%2Bc&x&=y&find=%C3%A9&bad=%4&%zz= HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  const std::map<std::string, std::string> expected = {
      {"kind", "head"}, {"find", "\xc3\xa9"}, {"x", ""}, {"", "y"}, {"bad", "%4"}, {"%zz", ""}};
  EXPECT_EQ(request->query, expected);
}

TEST(HttpMessageTest, TakesABodyOfItsStatedSizeHoweverItsBytesCome) {
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      "8\r\n\r\n{\"a\": 1}GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const size_t part : {size_t{1}, size_t{7}, bytes.size()}) {
    const std::string read = ReadInParts(bytes, part, [](const HttpRequest& request) {
      return request.path + request.content_type + request.body;
    });
    EXPECT_EQ(read, "/aapplication/json{\"a\": 1}/b") << "in parts of " << part;
  }
  HttpReader half;
  half.Add("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n");
  EXPECT_FALSE(half.Next()->has_value());
  EXPECT_TRUE(half.in_request()) << "the deadline of a request goes on";
}

TEST(HttpMessageTest, CompressesTextsThatGainByItForThoseWhoTakeThem) {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ";
  EXPECT_TRUE(ParseHttpHead(head + "gzip, deflate, br;q=0.5\r\n\r\n")->accepts_gzip);
  EXPECT_FALSE(ParseHttpHead(head + "br\r\n\r\n")->accepts_gzip);
  const std::string text(10'000, 'x');
  HttpReply reply{.body = text};
  Compress(&reply);
  EXPECT_LT(reply.body.size(), 200u);
  EXPECT_TRUE(reply.body.starts_with("\x1f\x8b")) << "gzip";
  ASSERT_EQ(reply.headers.size(), 1u);
  Compress(&reply);
  EXPECT_EQ(reply.headers.size(), 1u) << "not twice";
  HttpReply small{.body = "alive\n"};
  Compress(&small);
  EXPECT_EQ(small.body, "alive\n");
  HttpReply image{.body = text, .type = "image/jpeg"};
  Compress(&image);
  EXPECT_EQ(image.body, text);
}

TEST(HttpMessageTest, CutsRequestsOutOfAConnectionHoweverTheirBytesCome) {
  const std::string bytes =
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\nHEAD http://x/b HTTP/1.1\r\nHost: x\r\n\r\nGET /c "
      "HTTP/1.0\r\n\r\n";
  for (size_t part = 1; part <= bytes.size(); ++part) {
    const std::string paths =
        ReadInParts(bytes, part, [](const HttpRequest& request) { return request.path; });
    EXPECT_EQ(paths, "/a/b/c") << "in parts of " << part;
  }
}

TEST(HttpMessageTest, RefusesAHeadThatIsTooLargeBeforeItsEnd) {
  HttpReader reader;
  reader.Add("GET / HTTP/1.1\r\nX: ");
  reader.Add(std::string(kMostHttpHeadBytes - 100, 'x'));
  ASSERT_TRUE(reader.Next().ok());
  reader.Add(std::string(200, 'x'));
  EXPECT_EQ(reader.Next().status().code(), Code::kResourceExhausted);
}

TEST(HttpMessageTest, RefusesAHeadThatIsTooLargeAndWhole) {
  HttpReader reader;
  reader.Add("GET / HTTP/1.1\r\nX: " + std::string(kMostHttpHeadBytes, 'x') + "\r\n\r\n");
  EXPECT_EQ(reader.Next().status().code(), Code::kResourceExhausted);
}

TEST(HttpMessageTest, WritesRepliesWithTheirLength) {
  const HttpReply reply{.status = 401, .body = "no\n", .headers = {{"WWW-Authenticate", "Bearer"}}};
  const std::string text = HeadText(reply, /*keep_alive=*/true);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 401 Unauthorized\r\n")) << text;
  EXPECT_THAT(text, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(text, HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(text, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  EXPECT_THAT(HeadText(reply, /*keep_alive=*/false), HasSubstr("Connection: close\r\n"));
}

}  // namespace
}  // namespace augstore
