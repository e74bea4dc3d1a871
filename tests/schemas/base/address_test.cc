#include "schemas/base/address.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

Address Tcp(const std::string& host, uint16_t port) {
  return {Address::Kind::kTcp, host, port, ""};
}

TEST(ParseAddress, ReadsTcpAddresses) {
  EXPECT_EQ(*ParseAddress("tcp://127.0.0.1:7000"), Tcp("127.0.0.1", 7000));
  EXPECT_EQ(*ParseAddress("tcp://gpu-1.example.org:0"), Tcp("gpu-1.example.org", 0));
  EXPECT_EQ(*ParseAddress("tcp://[::1]:65535"), Tcp("::1", 65535));
}

TEST(ParseAddress, ReadsTlsAddresses) {
  EXPECT_EQ(*ParseAddress("tls://gpu-1:7000"), (Address{Address::Kind::kTls, "gpu-1", 7000, ""}));
  EXPECT_EQ(*ParseAddress("tls://[::1]"), (Address{Address::Kind::kTls, "::1", kDefaultPort, ""}));
}

TEST(ParseAddress, FillsInTheDefaultPort) {
  EXPECT_EQ(*ParseAddress("tcp://host"), Tcp("host", kDefaultPort));
  EXPECT_EQ(*ParseAddress("tcp://[fe80::2]"), Tcp("fe80::2", kDefaultPort));
}

TEST(ParseAddress, ReadsUnixSockets) {
  const auto address = ParseAddress("unix:///run/augstore.sock");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->kind, Address::Kind::kUnix);
  EXPECT_EQ(address->path, "/run/augstore.sock");
}

TEST(ParseAddress, ReadsWhatItPrints) {
  for (const char* text : {"tcp://127.0.0.1:7411", "tcp://[::1]:1", "tcp://localhost:0",
                           "tls://[::1]:1", "unix:///a"}) {
    EXPECT_EQ(ParseAddress(text)->ToString(), text);
  }
}

TEST(ParseAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "host",
                           "http://host",
                           "TCP://host",
                           "tcp://",
                           "tcp://:7411",
                           "tcp://host:",
                           "tcp://host:x",
                           "tcp://host:65536",
                           "tcp://host:-1",
                           "tcp://host:+1",
                           "tcp://host:1 ",
                           "tcp://ho st:1",
                           "tcp://host/path",
                           "tcp://user@host",
                           "tcp://::1:7411",
                           "tcp://[::1",
                           "tcp://[]:1",
                           "tcp://[127.0.0.1]:1",
                           "tcp://[::1]7411",
                           "tcp://[::1]x",
                           "tls://",
                           "tls://::1:7411",
                           "tls:/host",
                           "unix://",
                           "unix://a.sock",
                           "unix:///",
                           "unix:///folder/",
                           "unix:/a"}) {
    const auto address = ParseAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), Code::kInvalidArgument);
    EXPECT_NE(address.status().message().find(fmt::format("'{}'", text)), std::string::npos);
  }
}

TEST(ParseAddress, RefusesZeroBytes) {
  EXPECT_FALSE(ParseAddress(std::string_view("unix:///a\0b", 11)).ok());
  EXPECT_FALSE(ParseAddress(std::string_view("tcp://a\0b", 9)).ok());
  EXPECT_FALSE(ParseAddress(std::string_view("tcp://[::1\0]:1", 14)).ok());
}

TEST(ParseAddress, BoundsHostAndPath) {
  EXPECT_TRUE(ParseAddress("unix:///" + std::string(106, 'a')).ok());
  EXPECT_FALSE(ParseAddress("unix:///" + std::string(107, 'a')).ok());
  EXPECT_TRUE(ParseAddress("tcp://" + std::string(253, 'a')).ok());
  EXPECT_FALSE(ParseAddress("tcp://" + std::string(254, 'a')).ok());
}

TEST(Address, KnowsLoopback) {
  for (const char* text : {"tcp://127.0.0.1", "tcp://127.255.0.3", "tcp://[::1]", "tcp://localhost",
                           "tcp://LocalHost", "unix:///run/x"}) {
    EXPECT_TRUE(ParseAddress(text)->IsLoopback()) << text;
  }
  for (const char* text : {"tcp://0.0.0.0", "tls://0.0.0.0", "tcp://[::]", "tcp://128.0.0.1",
                           "tcp://127.0.0.1.example.org", "tcp://localhost.example.org",
                           "tcp://[fe80::1]", "tcp://127.1"}) {
    EXPECT_FALSE(ParseAddress(text)->IsLoopback()) << text;
  }
}

}  // namespace
}  // namespace augstore
