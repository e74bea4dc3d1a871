// A stream over a network that goes wrong gives the same bytes all the same.
#include <gtest/gtest.h>

#include <random>

#include "client/batch_stream.h"
#include "client/socket_channel.h"
#include "tests/support/ask.h"
#include "tests/support/certificates.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class BatchStreamFaultTest : public testing::Test {
 protected:
  static constexpr uint32_t kBatch = 16;
  static constexpr uint64_t kBatchBytes = uint64_t{kBatch} * kWideDim * sizeof(float);

  BatchStreamFaultTest() {
    EXPECT_TRUE(AddWideCollection(*serving_.filled.catalog).ok());
    const auto info = Ask<StreamReply>(
        serving_.service,
        OpenStreamRequest{{.collection = "wide", .seed = 3, .batch_size = kBatch}});
    EXPECT_TRUE(info.ok()) << Text(info);
    info_ = *info;
    const Frame run = ToFrame(BatchesRequest{info_.spec, info_.fingerprint, 0, 0, 1u << 20});
    for (const Frame& frame : Replies(serving_.service, run)) {
      if (frame.type == MessageType::kBatchReply) expected_.push_back(*BatchFromFrame(frame));
    }
  }

  // Streams an epoch through `proxy`, and compares every byte.
  void ExpectTheSameBytesThrough(const FaultProxy& proxy) {
    const SocketOptions options{.io_timeout = milliseconds(5'000),
                                .tls = certificates_.TrustedByClients()};
    const Address address = proxy.address();
    BatchStream stream([address, options] { return ConnectSocket(address, options); }, info_,
                       {.total = milliseconds(60'000), .first_pause = milliseconds(1)}, 2);
    size_t step = 0;
    for (const Result<Batch>& batch : stream.Epoch(0)) {
      ASSERT_TRUE(batch.ok()) << "step " << step << ": " << Text(batch);
      ASSERT_LT(step, expected_.size());
      EXPECT_EQ(batch->step, step);
      EXPECT_TRUE(batch->memory.text() == expected_[step].memory.text()) << "step " << step;
      ++step;
    }
    EXPECT_EQ(step, expected_.size());
  }

  const Certificates certificates_;
  Serving serving_{{.tls = certificates_.Server()}};
  StreamReply info_;
  std::vector<Batch> expected_;
};

TEST_F(BatchStreamFaultTest, GivesTheSameBytesByteByByte) {
  // A thousand bytes one at a time, in mid-batch, and then the end of the connection.
  for (const Address& address : {serving_.tcp(), serving_.tls()}) {
    FaultProxy proxy(address, [](size_t connection) {
      return connection == 0 ? Fault{.piece = 1, .cut_after = 20'000} : Fault{.piece = 4096};
    });
    ExpectTheSameBytesThrough(proxy);
    EXPECT_GE(proxy.connections(), 2u);
  }
}

TEST_F(BatchStreamFaultTest, GivesTheSameBytesAfterEveryCutAndReset) {
  for (const Address& address : {serving_.tcp(), serving_.tls()}) {
    for (const bool with_reset : {false, true}) {
      // Every connection carries two batches and a part of the next.
      FaultProxy proxy(address, [&](size_t connection) {
        return Fault{.cut_after = 2 * kBatchBytes + 40'000 * (connection % 12) + connection,
                     .with_reset = with_reset};
      });
      ExpectTheSameBytesThrough(proxy);
      EXPECT_GE(proxy.connections(), 5u);
    }
  }
}

TEST_F(BatchStreamFaultTest, GivesTheSameBytesThoughSomeAreDamaged) {
  for (const Address& address : {serving_.tcp(), serving_.tls()}) {
    FaultProxy proxy(address, [](size_t connection) {
      return connection % 2 == 1 ? Fault{} : Fault{.damage_at = kBatchBytes + 70'000};
    });
    ExpectTheSameBytesThrough(proxy);
    EXPECT_GE(proxy.connections(), 2u);
  }
}

TEST_F(BatchStreamFaultTest, GivesTheSameBytesWhateverANetworkDoes) {
  for (const Address& address : {serving_.tcp(), serving_.tls()}) {
    const uint64_t seed = std::random_device()();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FaultProxy proxy(address, [random = std::mt19937_64(seed)](size_t connection) mutable {
      const auto draw = [&](uint64_t most) { return random() % most; };
      Fault fault;
      fault.piece = std::array<size_t, 4>{1000, 7'777, 16'384, 65'536}[draw(4)];
      fault.delay = microseconds(draw(200));
      // Every third may carry all that is left.
      if (connection % 3 != 2) fault.cut_after = draw(6 * kBatchBytes);
      fault.with_reset = draw(2) == 0;
      return fault;
    });
    ExpectTheSameBytesThrough(proxy);
  }
}

}  // namespace
}  // namespace augstore
