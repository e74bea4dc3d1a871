// What a peer can do to a session over a real socket.
#include "server/sockets/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "schemas/wire/messages.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void Put(std::string* bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<char>(value >> (8 * i));
}

std::string Wire(const Frame& frame) {
  const auto header = SealHeader(frame);
  return std::string(header.begin(), header.end()) + std::string(frame.body.text());
}

// A header that claims a body of `size` bytes, with everything else right.
std::string HeaderClaiming(uint32_t size) {
  std::string header = Wire(ToFrame(StatsRequest{}, 1)).substr(0, kFrameHeaderBytes);
  Put(&header, 12, size);
  Put(&header, 20, Crc32(header.substr(0, 20)));
  return header;
}

// Sends `bytes`; expects an ErrorReply of request 0 and then the end of the connection.
Status SendAndBeRefused(const Address& address, std::string_view bytes) {
  RawSocket socket(address);
  socket.Send(bytes);
  const auto reply = socket.Receive();
  if (!reply.ok()) return reply.status();
  if (!reply->has_value()) return Internal("closed without a word");
  EXPECT_EQ((*reply)->request_id, 0u);
  const auto end = socket.Receive();
  EXPECT_TRUE(end.ok() && !end->has_value());
  return ExpectType(**reply, MessageType::kEndReply);
}

void ExpectServing(const Address& address) {
  RawSocket socket(address);
  socket.Send(ToFrame(ServerInfoRequest{}, 5));
  const auto reply = socket.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value()) << reply.status().ToString();
  EXPECT_EQ((*reply)->request_id, 5u);
  EXPECT_TRUE(FromFrame<ServerInfoReply>(**reply).ok());
}

Frame RequestWideRun(Service& service, uint32_t batch_size) {
  const auto source =
      service.Start(ToFrame(OpenStreamRequest{{.collection = "wide", .batch_size = batch_size}}),
                    Owner(0, "test"));
  const auto stream = FromFrame<StreamReply>(*source->Next());
  EXPECT_TRUE(stream.ok()) << stream.status().ToString();
  return ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1u << 20}, 9);
}

TEST(Session, RefusesADamagedFrameWithTheReasonAndGoesOnServing) {
  Serving serving;
  const std::string good =
      Wire(ToFrame(GetRecordRequest{RecordKind::kTransform, "double", false}, 1));
  std::string magic = good;
  magic[0] = 'X';
  std::string version = good;
  version[4] = 9;
  Put(&version, 20, Crc32(version.substr(0, 20)));
  std::string header_crc = good;
  header_crc[21] = static_cast<char>(header_crc[21] ^ 1);
  std::string body_crc = good;
  body_crc.back() = static_cast<char>(body_crc.back() ^ 1);
  const std::pair<std::string, Code> cases[] = {
      {magic, Code::kInvalidArgument},
      {version, Code::kInvalidArgument},
      {header_crc, Code::kDataLoss},
      {body_crc, Code::kDataLoss},
      {HeaderClaiming(0xffffffff), Code::kInvalidArgument},
      {HeaderClaiming(kMaxRequestBytes + 1), Code::kInvalidArgument},
      {std::string(100'000, 'G'), Code::kInvalidArgument},
  };
  for (const Address& address : {serving.tcp(), serving.unix_socket()}) {
    for (const auto& [bytes, code] : cases) {
      const Status refusal = SendAndBeRefused(address, bytes);
      EXPECT_EQ(refusal.code(), code) << refusal.ToString();
      EXPECT_FALSE(refusal.message().empty());
    }
    ExpectServing(address);
  }
}

TEST(Session, ForgetsAPeerThatLeavesInMidFrame) {
  Serving serving;
  const std::string good =
      Wire(ToFrame(GetRecordRequest{RecordKind::kTransform, "double", false}, 1));
  for (size_t length = 1; length < good.size(); length += 7) {
    RawSocket socket(serving.tcp());
    socket.Send(good.substr(0, length));
  }
  RawSocket large(serving.tcp());
  large.Send(HeaderClaiming(kMaxRequestBytes));
  large.Close();
  EXPECT_TRUE(Eventually([&] { return serving.server->connections() == 0; }));
  ExpectServing(serving.tcp());
}

TEST(Session, TakesARequestThatComesByteByByte) {
  Serving serving;
  RawSocket socket(serving.tcp());
  for (const char byte : Wire(ToFrame(ServerInfoRequest{}, 3)))
    socket.Send(std::string_view(&byte, 1));
  const auto reply = socket.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value());
  EXPECT_EQ((*reply)->request_id, 3u);
}

TEST(Session, AnswersGarbageInAGoodFrameAndKeepsTheConnection) {
  Serving serving;
  RawSocket socket(serving.tcp());
  socket.Send(Frame{MessageType::kQueryRequest, 21, SharedBytes::FromString("garbage")});
  const auto garbage = socket.Receive();
  ASSERT_TRUE(garbage.ok() && garbage->has_value());
  EXPECT_EQ((*garbage)->request_id, 21u);
  EXPECT_EQ(ExpectType(**garbage, MessageType::kBatchReply).code(), Code::kInvalidArgument);
  socket.Send(Frame{static_cast<MessageType>(77), 22, SharedBytes::FromString("")});
  const auto unknown = socket.Receive();
  ASSERT_TRUE(unknown.ok() && unknown->has_value());
  EXPECT_EQ((*unknown)->request_id, 22u);
  socket.Send(ToFrame(ServerInfoRequest{}, 23));
  const auto good = socket.Receive();
  ASSERT_TRUE(good.ok() && good->has_value());
  EXPECT_TRUE(FromFrame<ServerInfoReply>(**good).ok());
}

TEST(Session, AnswersPipelinedRequestsInOrder) {
  Serving serving;
  RawSocket socket(serving.unix_socket());
  for (uint32_t id = 1; id <= 20; ++id) socket.Send(ToFrame(ServerInfoRequest{}, id));
  for (uint32_t id = 1; id <= 20; ++id) {
    const auto reply = socket.Receive();
    ASSERT_TRUE(reply.ok() && reply->has_value());
    EXPECT_EQ((*reply)->request_id, id);
  }
}

TEST(Session, SendsARunAndItsEnd) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  RawSocket socket(serving.unix_socket());
  socket.Send(RequestWideRun(serving.service, 16));
  for (uint64_t step = 0; step < kWideSamples / 16; ++step) {
    const auto frame = socket.Receive();
    ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status().ToString();
    EXPECT_EQ((*frame)->request_id, 9u);
    EXPECT_EQ(BatchFromFrame(**frame)->step, step);
  }
  const auto end = socket.Receive();
  ASSERT_TRUE(end.ok() && end->has_value());
  EXPECT_EQ((*end)->type, MessageType::kEndReply);
}

// The batch at step 1 has a value that f16 cannot hold; those behind it are made meanwhile.
TEST(Session, EndsARunAtTheBatchThatFailedAndGoesOnServing) {
  Serving serving({.workers = 4});
  std::string doubled = "double";
  for (int i = 1; i < 11; ++i) doubled += ">double";
  const OpenStreamRequest open{{.collection = "toy",
                                .policy = doubled,
                                .batch_size = 1,
                                .shuffle = false,
                                .dtype = Dtype::kF16}};
  const auto stream =
      FromFrame<StreamReply>(*serving.service.Start(ToFrame(open), Owner(0, "test"))->Next());
  ASSERT_TRUE(stream.ok()) << stream.status().ToString();
  RawSocket socket(serving.tcp());
  for (uint32_t id = 1; id < 60; id += 2) {
    socket.Send(ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1u << 20}, id));
    const auto batch = BatchFromFrame(socket.Receive()->value());
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    EXPECT_EQ(batch->step, 0u);
    const Status failed = ExpectType(socket.Receive()->value(), MessageType::kEndReply);
    EXPECT_EQ(failed.code(), Code::kInvalidArgument);
    EXPECT_THAT(failed.message(), HasSubstr("sample 1 "));
    socket.Send(ToFrame(ServerInfoRequest{}, id + 1));
    EXPECT_EQ(socket.Receive()->value().request_id, id + 1);
  }
}

TEST(Session, ClosesAnIdleConnection) {
  Serving serving({.idle_timeout = std::chrono::milliseconds(20)});
  RawSocket silent(serving.tcp());
  const auto end = silent.Receive();
  EXPECT_TRUE(end.ok() && !end->has_value()) << end.status().ToString();
}

TEST(Session, ClosesAConnectionWhoseRequestDoesNotComeToItsEnd) {
  Serving serving({.frame_timeout = std::chrono::milliseconds(100)});
  RawSocket half(serving.tcp());
  half.Send(HeaderClaiming(100));
  EXPECT_TRUE(half.WaitForHangUp());
  RawSocket trickle(serving.unix_socket());
  const std::string header = HeaderClaiming(100);
  const auto begin = std::chrono::steady_clock::now();
  // A byte now and then does not move the deadline.
  for (size_t i = 0; !trickle.HasHungUp(); ++i) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, kTestPatience);
    trickle.Send(i < header.size() ? header.substr(i, 1) : "x");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ExpectServing(serving.tcp());
}

TEST(Session, GivesTimeForBytesThatCameAndNotForThoseThatAreAnnounced) {
  Serving serving({.frame_timeout = std::chrono::milliseconds(100)});
  RawSocket silent(serving.tcp());
  silent.Send(HeaderClaiming(100 << 20));
  EXPECT_TRUE(silent.WaitForHangUp());
  RawSocket slow(serving.tcp());
  slow.Send(HeaderClaiming(1 << 20));
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500)) {
    slow.Send(std::string(10'000, 'x'));  // well above the least rate
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_FALSE(slow.HasHungUp());
}

TEST(Session, ClosesAConnectionThatTakesNothing) {
  Serving serving({.write_timeout = std::chrono::milliseconds(20)});
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  RawSocket stuck(serving.unix_socket());
  stuck.Send(RequestWideRun(serving.service, 16));
  EXPECT_TRUE(stuck.WaitForHangUp());
  EXPECT_TRUE(Eventually([&] { return serving.server->connections() == 0; }));
}

void ExpectARunBesidePeersThatTakeNothing(Serving& serving) {
  const Frame run = RequestWideRun(serving.service, 16);
  std::vector<std::unique_ptr<RawSocket>> stuck;
  for (int i = 0; i < 4; ++i) {
    stuck.push_back(std::make_unique<RawSocket>(serving.unix_socket()));
    stuck.back()->Send(run);
  }
  RawSocket socket(serving.unix_socket());
  socket.Send(run);
  for (uint64_t step = 0; step <= kWideSamples / 16; ++step) {
    const auto frame = socket.Receive();
    ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status().ToString();
    EXPECT_NE((*frame)->type, MessageType::kErrorReply);
  }
}

TEST(Session, ServesOthersWhileSomeHoldAllTheMemoryForReplies) {
  // Room for three batches.
  constexpr uint64_t kBatch = 16 * (kWideDim * sizeof(float) + 100);
  Serving serving({.workers = 1}, 0, 3 * kBatch);
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  ExpectARunBesidePeersThatTakeNothing(serving);
  EXPECT_LE(serving.service.memory().taken(), 3 * kBatch);
}

TEST(Session, StopsWhileABatchWaitsForMemory) {
  Serving serving({.workers = 1}, 0, 16 * (kWideDim * sizeof(float) + 100));
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const auto all = serving.service.memory().Take(serving.service.memory().total());
  RawSocket socket(serving.unix_socket());
  socket.Send(RequestWideRun(serving.service, 16));
  ASSERT_TRUE(Eventually([&] { return serving.service.memory().is_short(); }));
  serving.Stop();
  serving.server.reset();
  EXPECT_FALSE(serving.service.memory().is_short());
}

TEST(Session, RefusesARequestThatIsLargerThanItsMemory) {
  Serving serving({}, 0, 1 << 20);
  const Status refused = SendAndBeRefused(serving.tcp(), HeaderClaiming(10 << 20));
  EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.ToString();
  EXPECT_THAT(refused.message(), HasSubstr("--memory"));
  ExpectServing(serving.tcp());
}

TEST(Session, LetsALargeRequestWaitAndThenRefusesIt) {
  Serving serving({.frame_timeout = std::chrono::milliseconds(200)}, 0, 1 << 20);
  auto share = serving.service.memory().Take(900 << 10);
  const Status refused = SendAndBeRefused(serving.tcp(), HeaderClaiming(200 << 10));
  EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.ToString();
  share.reset();
  ExpectServing(serving.tcp());
}

TEST(Session, ServesOthersWhileOneTakesNothing) {
  Serving serving({.workers = 1});
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  ExpectARunBesidePeersThatTakeNothing(serving);
}

TEST(Session, RefusesToShareMemoryOverTcpAndGoesOnServing) {
  Serving serving;
  RawSocket socket(serving.tcp());
  socket.Send(ToFrame(ShareMemoryRequest{}, 3));
  const auto reply = socket.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value()) << reply.status().ToString();
  EXPECT_EQ((*reply)->request_id, 3u);
  const Status refusal = FromFrame<ShareMemoryReply>(**reply).status();
  EXPECT_EQ(refusal.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refusal.message(), HasSubstr("Unix sockets only"));
  socket.Send(ToFrame(ServerInfoRequest{}, 4));
  EXPECT_EQ(socket.Receive()->value().request_id, 4u);
}

TEST(Session, AnswersADamagedRequestToShareMemory) {
  Serving serving;
  RawSocket socket(serving.unix_socket());
  socket.Send(Frame{MessageType::kShareMemoryRequest, 3, SharedBytes::FromString("xxxxxxxxxxxx")});
  EXPECT_EQ(FromFrame<ShareMemoryReply>(socket.Receive()->value()).status().code(),
            Code::kInvalidArgument);
  socket.Send(ToFrame(ServerInfoRequest{}, 4));
  EXPECT_EQ(socket.Receive()->value().request_id, 4u);
}

// Streams all of "wide" in batches of four; gives how many of them came in shared memory, and
// checks the others.
uint32_t CountShared(Serving& serving, RawSocket& socket) {
  socket.Send(RequestWideRun(serving.service, 4));
  uint32_t shared = 0;
  for (uint64_t step = 0; step < kWideSamples / 4; ++step) {
    const auto frame = socket.Receive();
    EXPECT_TRUE(frame.ok() && frame->has_value()) << frame.status().ToString();
    if (!frame.ok() || !frame->has_value()) return shared;
    if ((*frame)->type == MessageType::kSharedBodyReply) {
      ++shared;
      continue;
    }
    const auto batch = BatchFromFrame(**frame);
    EXPECT_TRUE(batch.ok() && batch->step == step) << batch.status().ToString();
  }
  EXPECT_EQ(socket.Receive()->value().type, MessageType::kEndReply);
  return shared;
}

// A client that never gives a slot back has every batch all the same, the others in the socket.
TEST(Session, SendsBodiesInTheSocketWhenNoSlotIsFree) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  RawSocket socket(serving.unix_socket());
  std::array<Descriptor, 2> fds;
  for (uint32_t id = 1; id < 3; ++id) {  // asked again, it gives the same memory
    socket.Send(ToFrame(ShareMemoryRequest{}, id));
    const auto reply = FromFrame<ShareMemoryReply>(socket.Receive(&fds)->value());
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->slots, kMostSlots);
    ASSERT_TRUE(SharedBodyReader::Open(*reply, fds[0], fds[1]).ok());
  }
  EXPECT_EQ(CountShared(serving, socket), kMostSlots);
  EXPECT_EQ(CountShared(serving, socket), 0u);
}

TEST(Session, SendsBodiesInTheSocketToAClientThatGotNoDescriptors) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  RawSocket socket(serving.unix_socket());
  socket.Send(ToFrame(ShareMemoryRequest{}, 1));
  ASSERT_TRUE(FromFrame<ShareMemoryReply>(socket.Receive()->value()).ok());
  EXPECT_EQ(CountShared(serving, socket), 0u);
}

TEST(Session, StopsBuildingWhenThePeerIsGone) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  RawSocket socket(serving.unix_socket());
  socket.Send(RequestWideRun(serving.service, 1));
  ASSERT_TRUE(socket.Receive().ok());
  socket.Close();
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 0; }));
  const auto stats = FromFrame<StatsReply>(
      *serving.service.Start(ToFrame(StatsRequest{}), Owner(0, "test"))->Next());
  ASSERT_TRUE(stats.ok());
  // A Unix socket holds some 50 of the 512 batches.
  EXPECT_THAT(stats->json, ::testing::Not(HasSubstr("\"batches\":512")));
}

}  // namespace
}  // namespace augstore
