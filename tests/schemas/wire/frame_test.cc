#include "schemas/wire/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/reseal.h"

namespace augstore {
namespace {

constexpr size_t kLimit = 1 << 16;

Frame MakeFrame(uint16_t type, uint32_t request_id, std::string body) {
  return {MessageType{type}, request_id, SharedBytes::FromString(std::move(body))};
}

// Feeds `bytes` in pieces of at most `piece` bytes and gives the frames; *status is the first
// error.
std::vector<Frame> Feed(FrameReader& reader, std::string_view bytes, size_t piece, Status* status) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const std::span<uint8_t> space = reader.Prepare();
    const size_t n = std::min({piece, space.size(), bytes.size()});
    std::copy_n(bytes.begin(), n, space.begin());
    reader.Commit(n);
    bytes.remove_prefix(n);
    Result<std::optional<Frame>> next = reader.Next();
    if (!next.ok()) {
      *status = next.status();
      return frames;
    }
    if (next->has_value()) frames.push_back(**next);
  }
  return frames;
}

TEST(SealHeader, GivesTheseBytes) {
  const auto header = SealHeader(MakeFrame(0x0102, 0x0a0b0c0d, "123456789"));
  // The CRC-32 of "123456789" is cbf43926.
  const std::array<uint8_t, kFrameHeaderBytes> expected = {
      'A',  'U',  'G',  'S',  0x01, 0x00, 0x02, 0x01, 0x0d, 0x0c, 0x0b, 0x0a,
      0x09, 0x00, 0x00, 0x00, 0x26, 0x39, 0xf4, 0xcb, 0xe2, 0xe3, 0x85, 0xdb};
  EXPECT_EQ(header, expected);
}

TEST(FrameReader, GivesBackWhatWasSealed) {
  FrameReader reader(kLimit);
  Status status;
  const auto frames = Feed(reader, Wire(MakeFrame(7, 42, "hello")), 1000, &status);
  ASSERT_EQ(frames.size(), 1u) << status.ToString();
  EXPECT_EQ(frames[0].type, MessageType::kFindImagesRequest);
  EXPECT_EQ(frames[0].request_id, 42u);
  EXPECT_EQ(frames[0].body.text(), "hello");
  EXPECT_FALSE(reader.InFrame());
}

TEST(FrameReader, CutsAnyPiecesIntoTheSameFrames) {
  std::string wire;
  for (uint32_t i = 0; i < 20; ++i)
    wire += Wire(
        MakeFrame(static_cast<uint16_t>(i), i, std::string(i * i, static_cast<char>('a' + i))));
  for (const size_t piece :
       {size_t{1}, size_t{2}, size_t{23}, size_t{24}, size_t{25}, size_t{4096}}) {
    FrameReader reader(kLimit);
    Status status;
    const auto frames = Feed(reader, wire, piece, &status);
    ASSERT_EQ(frames.size(), 20u) << piece << ": " << status.ToString();
    for (uint32_t i = 0; i < 20; ++i) {
      EXPECT_EQ(frames[i].request_id, i);
      EXPECT_EQ(frames[i].body.text(), std::string(i * i, static_cast<char>('a' + i)));
    }
  }
}

TEST(FrameReader, AlignsBodies) {
  FrameReader reader(kLimit);
  Status status;
  const std::string wire = Wire(MakeFrame(1, 1, "x")) + Wire(MakeFrame(1, 2, "yz"));
  for (const Frame& frame : Feed(reader, wire, 7, &status))
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.body.bytes.data()) % kAlignment, 0u);
}

TEST(FrameReader, TakesABodyOfNoBytes) {
  FrameReader reader(0);
  Status status;
  const auto frames =
      Feed(reader, Wire(MakeFrame(1, 1, "")) + Wire(MakeFrame(2, 2, "")), 100, &status);
  ASSERT_EQ(frames.size(), 2u) << status.ToString();
  EXPECT_TRUE(frames[1].body.bytes.empty());
}

TEST(FrameReader, TakesAnyNumberAsAType) {
  FrameReader reader(kLimit);
  Status status;
  const auto frames = Feed(reader, Wire(MakeFrame(65535, 1, "")), 100, &status);
  ASSERT_EQ(frames.size(), 1u) << status.ToString();
  EXPECT_EQ(static_cast<uint16_t>(frames[0].type), 65535);
}

TEST(FrameReader, AsksForNoMoreThanTheFrameNeeds) {
  FrameReader reader(kLimit);
  EXPECT_EQ(reader.Prepare().size(), kFrameHeaderBytes);
  const std::string wire = Wire(MakeFrame(1, 1, "hello"));
  std::copy_n(wire.begin(), kFrameHeaderBytes, reader.Prepare().begin());
  reader.Commit(kFrameHeaderBytes);
  EXPECT_EQ(reader.Prepare().size(), 5u);
  std::copy_n(wire.begin() + kFrameHeaderBytes, 3, reader.Prepare().begin());
  reader.Commit(3);
  EXPECT_EQ(reader.Prepare().size(), 2u);
}

TEST(FrameReader, KnowsThatItIsInTheMiddleOfAFrame) {
  const std::string wire = Wire(MakeFrame(1, 1, "hello"));
  for (size_t n = 0; n <= wire.size(); ++n) {
    FrameReader reader(kLimit);
    Status status;
    const auto frames = Feed(reader, wire.substr(0, n), 100, &status);
    EXPECT_EQ(frames.size(), n == wire.size() ? 1u : 0u);
    EXPECT_EQ(reader.InFrame(), n > 0 && n < wire.size()) << n;
  }
}

TEST(FrameReader, RefusesEveryFlippedBit) {
  const std::string wire = Wire(MakeFrame(9, 77, "some bytes of a body"));
  for (size_t bit = 0; bit < wire.size() * 8; ++bit) {
    std::string damaged = wire;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader(kLimit);
    Status status;
    EXPECT_TRUE(Feed(reader, damaged, 1000, &status).empty());
    EXPECT_EQ(status.code(), bit < 32 ? Code::kInvalidArgument : Code::kDataLoss) << bit;
  }
}

TEST(FrameReader, SaysThatThePeerSpeaksSomethingElse) {
  FrameReader reader(kLimit);
  Status status;
  EXPECT_TRUE(Feed(reader, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100, &status).empty());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("47455420"), std::string::npos) << status.ToString();
}

// What a reader of frames from `sender` says of one of `version`.
std::string Refusal(Sender sender, uint8_t version) {
  FrameReader reader(kLimit, sender);
  Status status;
  EXPECT_TRUE(Feed(reader, OfVersion(MakeFrame(1, 1, "x"), version), 100, &status).empty());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  return status.message();
}

TEST(FrameReader, RefusesAnotherProtocolVersionAndNamesTheOlderSide) {
  EXPECT_EQ(Refusal(Sender::kServer, 2),
            "the server speaks protocol version 2, this client version 1: update the client");
  EXPECT_EQ(Refusal(Sender::kServer, 0),
            "the server speaks protocol version 0, this client version 1: update the server");
  EXPECT_EQ(Refusal(Sender::kClient, 2),
            "the client speaks protocol version 2, this server version 1: update the server");
  EXPECT_EQ(Refusal(Sender::kClient, 0),
            "the client speaks protocol version 0, this server version 1: update the client");
}

TEST(FrameReader, RefusesABodyLargerThanTheLimit) {
  Status status;
  FrameReader exact(5);
  EXPECT_EQ(Feed(exact, Wire(MakeFrame(1, 1, "12345")), 100, &status).size(), 1u);
  FrameReader reader(5);
  EXPECT_TRUE(Feed(reader, Wire(MakeFrame(1, 1, "123456")), 100, &status).empty());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("6 bytes, the limit is 5"), std::string::npos)
      << status.ToString();
}

TEST(FrameReader, RefusesAnAnnouncedSizeBeforeAnyByteOfTheBody) {
  FrameReader reader(kLimit);
  Status status;
  const std::string wire = Reseal(Wire(MakeFrame(1, 1, "")), 15, 0xff);
  EXPECT_TRUE(Feed(reader, wire, 100, &status).empty());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
}

TEST(FrameReader, StaysUnusableAfterAnError) {
  FrameReader reader(kLimit);
  Status status;
  Feed(reader, std::string(24, 'x'), 24, &status);
  ASSERT_FALSE(status.ok());
  Status again;
  EXPECT_TRUE(Feed(reader, Wire(MakeFrame(1, 1, "x")), 100, &again).empty());
  EXPECT_EQ(again.ToString(), status.ToString());
  EXPECT_FALSE(reader.Prepare().empty());
}

TEST(FrameReader, SurvivesRandomBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 80, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (round % 2 == 0) bytes.replace(0, std::min<size_t>(4, bytes.size()), "AUGS");
    FrameReader reader(kLimit);
    Status status;
    EXPECT_TRUE(Feed(reader, bytes, 1 + random() % 30, &status).empty());
  }
}

}  // namespace
}  // namespace augstore
