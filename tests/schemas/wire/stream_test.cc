#include "schemas/wire/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/schemas/wire/message_samples.h"

namespace augstore {
namespace {

using samples::Fill;

StreamReply Stream() {
  StreamReply stream;
  Fill(&stream);
  return stream;
}

TEST(DescribeDifference, IsEmptyForEqualStreams) {
  EXPECT_EQ(DescribeDifference(Stream(), Stream()), "");
}

TEST(DescribeDifference, IgnoresTheRankAndItsNumberOfSteps) {
  StreamReply other = Stream();
  other.spec.rank = 0;
  other.steps += 1;
  EXPECT_EQ(DescribeDifference(Stream(), other), "");
}

TEST(DescribeDifference, NamesEveryFieldThatDiffers) {
  StreamReply before = Stream();
  before.spec.seed = 2;
  before.collection_digest = samples::MakeDigest(0xf0);
  before.spec.shuffle = true;
  EXPECT_EQ(DescribeDifference(Stream(), before),
            "collection digest: 0405060708090a0b… here, f0f1f2f3f4f5f6f7… before; seed: 5 here, 2 "
            "before; shuffle: "
            "false here, true before");
}

TEST(DescribeDifference, NamesTheFirstDifferenceOfALists) {
  StreamReply before = Stream();
  before.chains[1] = "hflip@2";
  before.transforms[1] = samples::MakeDigest(0x70);
  before.classes.push_back("bird");
  EXPECT_EQ(DescribeDifference(Stream(), before),
            "chains[1]: 'hflip@3' here, 'hflip@2' before; transforms[1]: 060708090a0b0c0d… here, "
            "7071727374757677… "
            "before; number of classes: 2 here, 3 before");
}

TEST(DescribeDifference, FallsBackToTheFingerprint) {
  StreamReply before = Stream();
  before.fingerprint = samples::MakeDigest(0x60);
  EXPECT_EQ(DescribeDifference(Stream(), before),
            "fingerprint: 030405060708090a… here, 6061626364656667… before");
}

TEST(DescribeDifference, SeesEachFieldOfTheSpecButTheRank) {
  const std::vector<void (*)(StreamReply&)> changes = {
      [](StreamReply& s) { s.spec.collection += 'x'; },
      [](StreamReply& s) { s.spec.split += 'x'; },
      [](StreamReply& s) { s.spec.policy += 'x'; },
      [](StreamReply& s) { s.spec.label_column += 'x'; },
      [](StreamReply& s) { s.spec.seed += 1; },
      [](StreamReply& s) { s.spec.batch_size += 1; },
      [](StreamReply& s) { s.spec.world_size += 1; },
      [](StreamReply& s) { s.spec.shuffle ^= true; },
      [](StreamReply& s) { s.spec.drop_last ^= true; },
      [](StreamReply& s) { s.spec.shuffle_window += 256; },
      [](StreamReply& s) { s.spec.dtype = Dtype::kU8; },
      [](StreamReply& s) { s.spec.precision = Precision::kF32; },
      [](StreamReply& s) { s.samples += 1; },
      [](StreamReply& s) { s.steps += 1; },
      [](StreamReply& s) { s.dim += 1; },
      [](StreamReply& s) { s.classes[0] += 'x'; },
      [](StreamReply& s) { s.chains.pop_back(); }};
  for (const auto change : changes) {
    StreamReply before = Stream();
    change(before);
    EXPECT_NE(DescribeDifference(Stream(), before), "");
  }
}

}  // namespace
}  // namespace augstore
