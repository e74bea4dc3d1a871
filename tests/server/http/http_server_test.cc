#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/ask.h"
#include "tests/support/certificates.h"
#include "tests/support/raw_tls.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

const Address kAnyPort{Address::Kind::kTcp, "127.0.0.1", 0, ""};
constexpr std::string_view kHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

// A connection that speaks HTTP by hand.
class Browser {
 public:
  explicit Browser(const Address& address) : socket_(address) {}
  void Send(std::string_view bytes) { socket_.Send(bytes); }
  // The next reply, its head and body; what has come of it when the server closes.
  std::string Reply() {
    for (;;) {
      const size_t end = bytes_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const size_t at = bytes_.find("Content-Length: ");
        const size_t size = end + 4 + std::stoul(bytes_.substr(at + 16));
        if (bytes_.size() >= size) {
          const std::string reply = bytes_.substr(0, size);
          bytes_.erase(0, size);
          return reply;
        }
      }
      const std::string more = socket_.ReceiveSome();
      if (more.empty()) return std::exchange(bytes_, "");
      bytes_ += more;
    }
  }
  std::string Get(const std::string& path, const std::string& key = "") {
    Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" +
         (key.empty() ? "" : "Authorization: Bearer " + key + "\r\n") + "\r\n");
    return Reply();
  }
  bool WaitForHangUp() { return socket_.WaitForHangUp(); }

 private:
  RawSocket socket_;
  std::string bytes_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpOptions options = {}) {
    if (options.listen.empty()) {
      options.listen = {kAnyPort, {Address::Kind::kUnix, "", 0, dir_.path() + "/http.sock"}};
    }
    options.limits.failed_handshake = std::chrono::milliseconds(1);
    auto started = HttpServer::Start(
        &serving_.service, [this] { return serving_.server->IsAlive(); }, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    http_ = *std::move(started);
  }
  const Address& at(size_t i = 0) const { return http_->addresses().at(i); }
  std::string MakeKey(Role role) {
    const CreateKeyRequest asked{role, "", 0, ""};
    return Ask<KeyReply>(serving_.service, asked).value().text;
  }

  TempDir dir_;
  Serving serving_;
  std::unique_ptr<HttpServer> http_;
};

TEST_F(HttpServerTest, AnswersRequestAfterRequestOfOneConnection) {
  Start();
  Browser browser(at());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(browser.Get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(browser.Get("/nowhere").starts_with("HTTP/1.1 404 "));
  }
  browser.Send(std::string(kHealth) + std::string(kHealth));
  EXPECT_TRUE(browser.Reply().ends_with("alive\n"));
  EXPECT_TRUE(browser.Reply().ends_with("alive\n")) << "the second, sent before the first reply";
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsksForThat) {
  Start();
  Browser browser(at());
  browser.Send("GET /readyz HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(browser.Reply().ends_with("ready\n"));
  EXPECT_TRUE(browser.WaitForHangUp());
}

TEST_F(HttpServerTest, DemandsAKeyForMetricsOverTcpAndNoneOverAUnixSocket) {
  Start();
  const std::string key = MakeKey(Role::kRead);
  EXPECT_THAT(Browser(at()).Get("/metrics"), HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_TRUE(Browser(at()).Get("/metrics", "no-key").starts_with("HTTP/1.1 401 "));
  EXPECT_THAT(Browser(at()).Get("/metrics", key), HasSubstr("\naugstore_build_info{"));
  EXPECT_THAT(Browser(at(1)).Get("/metrics"), HasSubstr("\naugstore_build_info{"));
}

TEST_F(HttpServerTest, AnswersRequestsOfTheProtocolInJsonAndErrorsToo) {
  Start();
  const std::string key = MakeKey(Role::kRead);
  Browser browser(at());
  EXPECT_THAT(browser.Get("/api/v1/Session"), HasSubstr("\"role\":\"none\""));
  EXPECT_THAT(browser.Get("/api/v1/Browse?kind=transform", key), HasSubstr("\"name\":\"double\""));
  const std::string body = R"({"collection": "toy", "samples": [1], "chain": "double"})";
  browser.Send("POST /api/v1/Query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key +
               "\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(browser.Reply(), HasSubstr("\"sample_ids\":[1]"));
  const std::string refused = Browser(at()).Get("/api/v1/Stats", "no-key");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 ")) << refused;
  EXPECT_THAT(refused, HasSubstr("{\"code\":\"Unauthenticated\""));
  Browser stranger(at());
  EXPECT_TRUE(stranger.Get("/api/v1/Stats").starts_with("HTTP/1.1 401 "));
  EXPECT_TRUE(stranger.WaitForHangUp()) << "each further one would be a line of the audit log";
}

TEST_F(HttpServerTest, ServesTheConsoleToBrowsersAndNothingOfOtherSites) {
  Start();
  const std::string page = Browser(at()).Get("/");
  EXPECT_THAT(page, HasSubstr("Content-Type: text/html"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("console.js"));
  Browser browser(at());
  browser.Send("GET /console.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_THAT(browser.Reply(), HasSubstr("Content-Encoding: gzip\r\n"));
}

TEST_F(HttpServerTest, IsAskedByAnAddressWhereItDemandsNoKeys) {
  Start({.insecure = true});
  const auto ask = [&](const std::string& host) {
    Browser browser(at());
    browser.Send("GET /api/v1/Session HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return browser.Reply();
  };
  for (const char* host : {"127.0.0.1:9411", "localhost", "[::1]:9411", "10.0.0.7"}) {
    EXPECT_TRUE(ask(host).starts_with("HTTP/1.1 200 ")) << host;
  }
  for (const char* host : {"evil.example:9411", "127.0.0.1.evil.example", "localhost.evil"}) {
    EXPECT_TRUE(ask(host).starts_with("HTTP/1.1 403 ")) << host;
  }
}

TEST_F(HttpServerTest, StopsWhileARequestIsComputed) {
  Start();
  Browser browser(at(1));
  browser.Send("GET /api/v1/Project?collection=toy&samples=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
  http_->Stop();  // whether it has begun or not
  http_.reset();
}

TEST_F(HttpServerTest, AnswersWrongKeysAtOnceAfterMany) {
  Start({.max_failed_handshakes = 3});
  const std::string key = MakeKey(Role::kRead);
  Browser browser(at());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(browser.Get("/metrics", "wrong").starts_with("HTTP/1.1 401 "));
  }
  const std::string refused = browser.Get("/metrics", "wrong");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 ")) << refused;
  EXPECT_THAT(refused, HasSubstr("Retry-After: "));
  EXPECT_TRUE(browser.Get("/metrics", key).starts_with("HTTP/1.1 200 "))
      << "another user of the host, with a key";
  EXPECT_TRUE(browser.Get("/healthz", "wrong").starts_with("HTTP/1.1 200 "))
      << "which needs no key";
}

TEST_F(HttpServerTest, AnswersWhatIsNoHttpAndCloses) {
  Start();
  for (const std::string& bytes :
       {std::string("AUGS\1\0\0\0\r\n\r\n", 12), std::string("GET / HTTP/1.1\r\n x\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nX: ") + std::string(20'000, 'x')}) {
    Browser browser(at());
    browser.Send(bytes);
    EXPECT_TRUE(browser.Reply().starts_with("HTTP/1.1 400 ")) << bytes.substr(0, 20);
    EXPECT_TRUE(browser.WaitForHangUp());
  }
}

TEST_F(HttpServerTest, ClosesConnectionsThatMissADeadline) {
  Start({.limits = {.request = std::chrono::milliseconds(200),
                    .idle = std::chrono::milliseconds(100)}});
  Browser idle(at());
  Browser half(at());
  half.Send("GET /healthz HT");
  EXPECT_TRUE(idle.WaitForHangUp());
  EXPECT_TRUE(half.WaitForHangUp());
  EXPECT_TRUE(Browser(at()).Get("/healthz").ends_with("alive\n"));
}

TEST_F(HttpServerTest, ClosesWhatIsIdleLongestForANewConnection) {
  Start({.max_connections = 6});
  std::vector<std::unique_ptr<Browser>> browsers;
  for (int i = 0; i < 20; ++i) {
    browsers.push_back(std::make_unique<Browser>(at()));
    EXPECT_TRUE(browsers.back()->Get("/healthz").ends_with("alive\n")) << i;
  }
  EXPECT_TRUE(browsers[0]->WaitForHangUp());
  EXPECT_TRUE(browsers.back()->Get("/healthz").ends_with("alive\n"));
}

TEST_F(HttpServerTest, AnswersBesideAFloodOfConnectionsThatAskNothingWhole) {
  Start({.max_connections = 8});
  const std::string key = MakeKey(Role::kRead);
  Browser known(at());
  EXPECT_TRUE(known.Get("/metrics", key).starts_with("HTTP/1.1 200 "));
  std::vector<std::unique_ptr<Browser>> flood;
  for (int i = 0; i < 60; ++i) {
    flood.push_back(std::make_unique<Browser>(at()));
    flood.back()->Send(i % 3 == 0 ? "G" : i % 3 == 1 ? "BAD\r\n\r\n" : "");
    EXPECT_TRUE(Browser(at()).Get("/healthz").ends_with("alive\n")) << i;
  }
  for (int i = 0; i < 20; ++i) {
    flood.push_back(std::make_unique<Browser>(at()));
    EXPECT_TRUE(flood.back()->Get("/healthz").ends_with("alive\n")) << "and they stay";
  }
  EXPECT_TRUE(known.Get("/metrics", key).starts_with("HTTP/1.1 200 ")) << "it kept its place";
  EXPECT_TRUE(Browser(at(1)).Get("/healthz").ends_with("alive\n")) << "and so did Unix sockets";
}

TEST_F(HttpServerTest, SaysThatAServerWhichHasStoppedIsNotAlive) {
  Start();
  EXPECT_TRUE(Browser(at()).Get("/healthz").starts_with("HTTP/1.1 200 "));
  serving_.Stop();
  EXPECT_TRUE(Browser(at()).Get("/healthz").starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, SpeaksTlsAndTellsWhenItsCertificateEnds) {
  const Certificates certificates;
  const TlsFiles files = certificates.Issue("server", "IP:127.0.0.1");
  Start({.listen = {{Address::Kind::kTls, "127.0.0.1", 0, ""}}, .tls = files});
  const auto ends = serving_.service.metrics().certificate_ends.load();
  EXPECT_NEAR(static_cast<double>(ends - std::time(nullptr)), 30 * 86'400, 600);
  std::string reply;
  {
    RawSocket socket(at());
    RawTls peer(socket.Release(), /*is_server=*/false, {}, [&](SSL* ssl) {
      SSL_write(ssl, kHealth.data(), static_cast<int>(kHealth.size()));
      char bytes[4096];
      const int count = SSL_read(ssl, bytes, sizeof bytes);
      if (count > 0) reply.assign(bytes, static_cast<size_t>(count));
    });
  }
  EXPECT_TRUE(reply.ends_with("alive\n")) << reply;
  EXPECT_TRUE(http_->ReloadTls().ok());
}

TEST_F(HttpServerTest, RefusesAddressesThatOthersReachWithoutTls) {
  const auto refused = HttpServer::Start(&serving_.service, [] { return true; },
                                         {.listen = {{Address::Kind::kTcp, "0.0.0.0", 0, ""}}});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  Start();
  const auto taken = HttpServer::Start(&serving_.service, [] { return true; }, {.listen = {at()}});
  EXPECT_EQ(taken.status().code(), Code::kUnavailable);
}

TEST_F(HttpServerTest, StopsWithConnectionsOpen) {
  Start();
  Browser idle(at());
  EXPECT_TRUE(idle.Get("/healthz").ends_with("alive\n"));
  http_->Stop();
  http_->Stop();
  EXPECT_TRUE(idle.WaitForHangUp());
}

}  // namespace
}  // namespace augstore
