// A collector of traces that answers as a test says, on a thread of its own.
#ifndef AUGSTORE_TESTS_SUPPORT_TEST_COLLECTOR_H_
#define AUGSTORE_TESTS_SUPPORT_TEST_COLLECTOR_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "server/traces/collector.h"
#include "tests/support/eventually.h"

namespace augstore {

class TestCollector {
 public:
  static constexpr int kSilent = 0;  // takes requests and never answers

  // `status`: of HTTP, of every answer.
  explicit TestCollector(int status = 200) : status_(status) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    endpoint.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof endpoint;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&endpoint), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&endpoint), &size), 0);
    port_ = ntohs(endpoint.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~TestCollector() {
    stopping_ = true;
    thread_.join();
    for (const int fd : open_) ::close(fd);
    ::close(listener_);
  }

  Collector address() const { return {"127.0.0.1", port_, "/v1/traces"}; }
  void AnswerWith(int status) { status_ = status; }
  // Heads of the requests that came.
  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  // All spans that came, in their order, as OTLP/JSON has them.
  std::vector<nlohmann::json> spans() {
    const std::lock_guard lock(mutex_);
    std::vector<nlohmann::json> spans;
    for (const std::string& body : bodies_) {
      const nlohmann::json request = nlohmann::json::parse(body);
      for (const auto& span : request["resourceSpans"][0]["scopeSpans"][0]["spans"]) {
        spans.push_back(span);
      }
    }
    return spans;
  }
  // Waits until there are `count` spans.
  std::vector<nlohmann::json> WaitForSpans(size_t count) {
    EXPECT_TRUE(Eventually([&] { return spans().size() >= count; })) << spans().size();
    return spans();
  }

 private:
  bool IsReadable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 10) == 1;
  }
  void Run() {
    while (!stopping_) {
      if (!IsReadable(listener_)) continue;
      open_.push_back(::accept(listener_, nullptr, nullptr));
      Serve(open_.back());
    }
  }
  void Serve(int fd) {
    std::string bytes;
    size_t head = std::string::npos;
    size_t body = 0;
    while (!stopping_ && (head == std::string::npos || bytes.size() < head + 4 + body)) {
      if (!IsReadable(fd)) continue;
      std::array<char, 65536> space;
      const ssize_t count = ::recv(fd, space.data(), space.size(), 0);
      if (count <= 0) return;
      bytes.append(space.data(), static_cast<size_t>(count));
      head = bytes.find("\r\n\r\n");
      const size_t length = bytes.find("Content-Length: ");
      if (head != std::string::npos) body = std::stoul(bytes.substr(length + 16));
    }
    if (stopping_) return;
    const int status = status_;
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(bytes.substr(0, head));
      if (status == 200) bodies_.push_back(bytes.substr(head + 4));
    }
    if (status == kSilent) return;
    const std::string reply =
        "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 2\r\n\r\n{}";
    (void)::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
  }

  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> status_;
  std::atomic<bool> stopping_ = false;
  std::vector<int> open_;  // of the thread
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::vector<std::string> bodies_;  // of requests that were accepted
  std::thread thread_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_TEST_COLLECTOR_H_
