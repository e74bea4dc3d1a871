#include "schemas/wire/shared_bodies.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

namespace augstore {
namespace {

constexpr size_t kBody = 100'000;

Frame Body(size_t size, char fill) {
  return {MessageType::kBatchReply, 7, SharedBytes::FromString(std::string(size, fill))};
}

// Descriptors as the other process has them.
Descriptor Copy(int fd) { return Descriptor(::dup(fd)); }

class SharedBodiesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = SharedBodyWriter::Create();
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    writer_ = *std::move(made);
    auto opened =
        SharedBodyReader::Open(writer_->reply(), Copy(writer_->fds()[0]), Copy(writer_->fds()[1]));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    reader_ = *std::move(opened);
  }
  // The flags as a client may map them.
  SharedMemory Flags() {
    return SharedMemory::Map(Copy(writer_->fds()[0]), (kMostSlots + 1) * 64, true).value();
  }

  std::unique_ptr<SharedBodyWriter> writer_;
  std::shared_ptr<SharedBodyReader> reader_;
};

TEST_F(SharedBodiesTest, GiveABodyToTheOtherSide) {
  for (const char fill : {'a', 'b', 'c'}) {
    const std::optional<Frame> place = writer_->Put(Body(kBody, fill));
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->type, MessageType::kSharedBodyReply);
    EXPECT_EQ(place->request_id, 7u);
    const Result<Frame> frame = reader_->Take(*place);
    ASSERT_TRUE(frame.ok()) << frame.status().ToString();
    EXPECT_EQ(frame->type, MessageType::kBatchReply);
    EXPECT_EQ(frame->request_id, 7u);
    EXPECT_EQ(frame->body.text(), std::string(kBody, fill));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame->body.bytes.data()) % kAlignment, 0u);
  }
}

TEST_F(SharedBodiesTest, KeepABodyUntilItsLastOwnerIsGone) {
  std::vector<Frame> kept;
  for (uint32_t i = 0; i < kMostSlots; ++i) {
    const auto place = writer_->Put(Body(kBody, static_cast<char>('a' + i)));
    ASSERT_TRUE(place.has_value()) << i;
    kept.push_back(reader_->Take(*place).value());
  }
  EXPECT_FALSE(writer_->Put(Body(kBody, 'z')).has_value());
  SharedBytes second = kept[1].body;
  kept.erase(kept.begin() + 1);
  EXPECT_FALSE(writer_->Put(Body(kBody, 'z')).has_value());
  EXPECT_EQ(second.text(), std::string(kBody, 'b'));
  second = {};
  const auto place = writer_->Put(Body(kBody, 'z'));
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(FromFrame<SharedBodyReply>(*place).value().slot, 1u);
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].body.text(),
              std::string(kBody, static_cast<char>('a' + (i < 1 ? i : i + 1))));
  }
  // Also when both sides are gone.
  writer_.reset();
  reader_.reset();
  EXPECT_EQ(kept[0].body.text(), std::string(kBody, 'a'));
}

TEST_F(SharedBodiesTest, WaitForTheReader) {
  const auto writer = SharedBodyWriter::Create().value();
  EXPECT_FALSE(writer->Put(Body(kBody, 'a')).has_value());
  const auto reader =
      SharedBodyReader::Open(writer->reply(), Copy(writer->fds()[0]), Copy(writer->fds()[1]));
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_TRUE(writer->Put(Body(kBody, 'a')).has_value());
}

TEST_F(SharedBodiesTest, TakeBackWhatWasNotSent) {
  for (uint32_t i = 0; i < 3 * kMostSlots; ++i) {
    const std::optional<Frame> place = writer_->Put(Body(kBody, 'a'));
    ASSERT_TRUE(place.has_value()) << i;
    writer_->TakeBack(*place);
  }
  writer_->TakeBack(Body(kBody, 'a'));  // is no place
}

TEST_F(SharedBodiesTest, LeaveSmallAndHugeBodiesToTheSocket) {
  EXPECT_FALSE(writer_->Put(Body(kSmallestSharedBody - 1, 'x')).has_value());
  EXPECT_FALSE(writer_->Put(Body(kSharedBodiesBytes / 4, 'x')).has_value());
  EXPECT_TRUE(writer_->Put(Body(kSmallestSharedBody, 'x')).has_value());
}

TEST_F(SharedBodiesTest, CutTheMemoryAnewForLargerBodiesWhenNoneIsInUse) {
  std::optional<Frame> held = reader_->Take(*writer_->Put(Body(kBody, 'a'))).value();
  EXPECT_FALSE(writer_->Put(Body(10 * kBody, 'b')).has_value());
  EXPECT_EQ(held->body.text(), std::string(kBody, 'a'));
  held.reset();
  const Frame large = reader_->Take(*writer_->Put(Body(10 * kBody, 'b'))).value();
  EXPECT_EQ(large.body.text(), std::string(10 * kBody, 'b'));
  EXPECT_TRUE(writer_->Put(Body(kBody, 'c')).has_value());
}

TEST_F(SharedBodiesTest, CannotBeWrittenByTheReader) {
  const Descriptor bodies = Copy(writer_->fds()[1]);
  EXPECT_EQ(SharedMemory::Map(bodies, kSharedBodiesBytes, true).status().code(),
            Code::kResourceExhausted);
  EXPECT_LT(::pwrite(bodies.get(), "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(bodies.get(), 0), 0);
  EXPECT_NE(::ftruncate(writer_->fds()[0], 0), 0);
}

TEST_F(SharedBodiesTest, OutliveAReaderThatLiesAboutItsFlags) {
  const SharedMemory flags = Flags();
  const Frame first = reader_->Take(*writer_->Put(Body(kBody, 'a'))).value();
  std::memset(flags.data(), 0xff, flags.size());
  EXPECT_FALSE(writer_->Put(Body(kBody, 'b')).has_value());
  std::memset(flags.data(), 0, flags.size());
  EXPECT_FALSE(writer_->Put(Body(kBody, 'b')).has_value());  // it says that it is not there yet
  flags.data()[kMostSlots * 64] = 1;
  EXPECT_TRUE(writer_->Put(Body(20 * kBody, 'c')).has_value());
}

TEST_F(SharedBodiesTest, RefusePlacesThatAreNotInTheMemory) {
  const SharedBodyReply good{MessageType::kBatchReply, 0, 0, kBody};
  ASSERT_TRUE(reader_->Take(ToFrame(good, 1)).ok());
  std::vector<SharedBodyReply> wrong(6, good);
  wrong[0].slot = kMostSlots;
  wrong[1].offset = kSharedBodiesBytes - kBody + 1;
  wrong[2].offset = ~uint64_t{0} - 63;
  wrong[3].offset = 8;
  wrong[4].size = static_cast<uint32_t>(kSharedBodiesBytes) + 1;
  wrong[5].offset = kSharedBodiesBytes;
  for (const SharedBodyReply& place : wrong) {
    EXPECT_EQ(reader_->Take(ToFrame(place, 1)).status().code(), Code::kInvalidArgument)
        << place.slot << " " << place.offset << " " << place.size;
  }
}

TEST_F(SharedBodiesTest, RefuseDescriptorsThatCouldEndTheProcess) {
  const ShareMemoryReply reply = writer_->reply();
  const Descriptor flags = Copy(writer_->fds()[0]);
  const Descriptor bodies = Copy(writer_->fds()[1]);
  const auto code = [&](const ShareMemoryReply& said, const Descriptor& a, const Descriptor& b) {
    return SharedBodyReader::Open(said, a, b).status().code();
  };
  const Descriptor unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), static_cast<off_t>(reply.bytes)), 0);
  EXPECT_EQ(code(reply, flags, unsealed), Code::kInvalidArgument);
  EXPECT_EQ(code(reply, flags, Descriptor(::open("/dev/zero", O_RDWR | O_CLOEXEC))),
            Code::kInvalidArgument);
  EXPECT_EQ(code(reply, Descriptor(), Descriptor()), Code::kInvalidArgument);
  EXPECT_EQ(code(reply, bodies, flags), Code::kInvalidArgument);
  EXPECT_EQ(code({reply.bytes / 2, reply.slots}, flags, bodies), Code::kInvalidArgument);
  EXPECT_EQ(code({reply.bytes * 2, reply.slots}, flags, bodies), Code::kInvalidArgument);
  EXPECT_EQ(code({reply.bytes, 0}, flags, bodies), Code::kInvalidArgument);
  EXPECT_EQ(code({reply.bytes, 1u << 30}, flags, bodies), Code::kInvalidArgument);
  EXPECT_EQ(code({0, reply.slots}, flags, bodies), Code::kInvalidArgument);
  EXPECT_EQ(code(reply, flags, bodies), Code::kOk);
}

TEST_F(SharedBodiesTest, AreForALimitedNumberOfConnections) {
  std::vector<std::unique_ptr<SharedBodyWriter>> writers;
  for (int i = 1; i < kMostSharedMemories; ++i) {
    writers.push_back(SharedBodyWriter::Create().value());
  }
  EXPECT_EQ(SharedBodyWriter::Create().status().code(), Code::kResourceExhausted);
  writers.pop_back();
  EXPECT_TRUE(SharedBodyWriter::Create().ok());
}

}  // namespace
}  // namespace augstore
