#include "engine/streams/view_choice.h"

#include <map>
#include <set>

#include "engine/kernels/tile_engine.h"
#include "tests/engine/streams/stream_support.h"

namespace augstore {
namespace {

// Collection "toy" with three views of each sample of its split "train": two of a law and a fixed
// one. All values of view v of sample i are 2000 + 3 i + v.
class ViewChoiceTest : public StreamTest {
 protected:
  static constexpr uint64_t kFirst = 2000;

  void SetUp() override {
    std::vector<ContentHash> images;
    for (uint64_t i = 0; i < 3 * kTestTrain; ++i) images.push_back(TestImage(kFirst + i));
    std::vector<RowId> rows(images.size());
    const SpaceId space = filled_.store->OpenSpace(TestBackbone(), kTestDim).value();
    Matrix embeddings(images.size(), kTestDim);
    for (uint64_t i = 0; i < images.size(); ++i) {
      std::ranges::fill(embeddings.row(i), static_cast<float>(kFirst + i));
    }
    ASSERT_TRUE(filled_.store->AppendRows(space, images, embeddings.view(), rows).ok());
    // Those of split "test" are not stored.
    for (uint64_t i = kTestTrain; i < kTestSamples; ++i) {
      for (uint64_t v = 0; v < 3; ++v) images.push_back(TestImage(1000000 + 3 * i + v));
    }
    DraftSpec spec{"toy", TestBackbone(), {}, false, "test"};
    spec.views_only = true;
    spec.views = {{"rotate(-30..30)", 2, 7}, {"vflip", 1, 0}};
    spec.views_of = 1;
    const uint32_t draft = filled_.catalog->BeginDraft(spec)->draft;
    ASSERT_TRUE(filled_.catalog->AppendViews(draft, 0, images).ok());
    ASSERT_TRUE(filled_.catalog->CommitDraft(draft, kTestSamples).ok());
  }

  static constexpr uint64_t kImage = 9;
  // Which view of its sample each row of an epoch is; kImage: the image itself.
  std::map<SampleId, uint64_t> ViewsOfEpoch(const Stream& stream, uint64_t epoch, float scale = 1) {
    std::map<SampleId, uint64_t> views;
    for (uint64_t step = 0; step < stream.info.steps; ++step) {
      const Batch batch = Build(stream, epoch, step, *engine_);
      for (size_t i = 0; i < batch.size(); ++i) {
        const SampleId sample = batch.samples[i];
        const float first = batch.embeddings.row(i)[0] / scale;
        views[sample] = first == TestValue(sample, 0)
                            ? kImage
                            : static_cast<uint64_t>(first) - kFirst - 3 * sample;
      }
    }
    return views;
  }
  static std::set<uint64_t> Values(const std::map<SampleId, uint64_t>& views) {
    std::set<uint64_t> values;
    for (const auto& [sample, view] : views) values.insert(view);
    return values;
  }

  std::unique_ptr<Engine> engine_ = NewTileEngine();
};

TEST_F(ViewChoiceTest, StreamsDrawAnyViewOfEachSample) {
  const auto stream = Resolve(Spec("views"));
  const auto views = ViewsOfEpoch(*stream, 1);
  EXPECT_EQ(views.size(), kTestTrain);
  EXPECT_EQ(Values(views), (std::set<uint64_t>{0, 1, 2}));
  std::map<uint64_t, size_t> counts;
  for (const auto& [sample, view] : views) ++counts[view];
  for (const auto& [view, count] : counts) EXPECT_NEAR(count, kTestTrain / 3.0, 60) << view;
  EXPECT_NE(ViewsOfEpoch(*stream, 2), views) << "another epoch draws anew";
  EXPECT_EQ(ViewsOfEpoch(*stream, 1), views);
}

TEST_F(ViewChoiceTest, TheViewOfASampleDependsOnSeedEpochAndSampleAlone) {
  const auto views = ViewsOfEpoch(*Resolve(Spec("views")), 1);
  StreamSpec spec = Spec("views");
  spec.batch_size = 17;
  spec.shuffle_window = 256;
  EXPECT_EQ(ViewsOfEpoch(*Resolve(spec), 1), views);
  spec.world_size = 2;
  auto both = ViewsOfEpoch(*Resolve(spec), 1);
  spec.rank = 1;
  both.merge(ViewsOfEpoch(*Resolve(spec), 1));
  EXPECT_EQ(both, views);
}

TEST_F(ViewChoiceTest, ALawChoosesAmongItsOwnViews) {
  EXPECT_EQ(Values(ViewsOfEpoch(*Resolve(Spec("view(rotate(-30..30))")), 1)),
            (std::set<uint64_t>{0, 1}));
  EXPECT_EQ(Values(ViewsOfEpoch(*Resolve(Spec("view(vflip)")), 1)), (std::set<uint64_t>{2}));
}

TEST_F(ViewChoiceTest, ViewsMixWithImagesAndBeginChains) {
  EXPECT_EQ(Values(ViewsOfEpoch(*Resolve(Spec("identity,views")), 1)),
            (std::set<uint64_t>{0, 1, 2, kImage}));
  const auto stream = Resolve(Spec("view(vflip)>double"));
  EXPECT_EQ(stream->info.spec.policy, "view(vflip)>double@1");
  EXPECT_EQ(Values(ViewsOfEpoch(*stream, 1, 2)), (std::set<uint64_t>{2}));
}

TEST_F(ViewChoiceTest, EqualLawsAreOneChain) {
  const auto stream = Resolve(Spec("view(rotate(-30..30.0)),view(rotate(-30.0..30)):2"));
  EXPECT_EQ(stream->info.spec.policy, "view(rotate(-30..30)):3");
}

TEST_F(ViewChoiceTest, LoadsTheRowsOfTheViewsThatAreDrawnAlone) {
  const auto flips = Resolve(Spec("view(vflip),view(vflip)>double"));
  EXPECT_TRUE(flips->table->views[0].empty());
  EXPECT_EQ(flips->table->views[2].size(), kTestTrain);
  EXPECT_TRUE(HasViewsOf(*flips->table, *flips));
  EXPECT_FALSE(HasViewsOf(*flips->table, *Resolve(Spec("views"))));
  EXPECT_TRUE(HasViewsOf(*flips->table, *Resolve(Spec("identity"))));
}

TEST_F(ViewChoiceTest, RefusesViewsThatAreNotThere) {
  const Status other = Refusal(Spec("view(rotate(-9..9))"));
  EXPECT_EQ(other.code(), Code::kFailedPrecondition);
  EXPECT_NE(other.message().find("rotate(-30..30), vflip"), std::string::npos) << other.message();
  StreamSpec test = Spec("views");
  test.split = "test";
  const Status lack = Refusal(test);
  EXPECT_EQ(lack.code(), Code::kFailedPrecondition);
  EXPECT_NE(lack.message().find("200 of 200 samples of split"), std::string::npos)
      << lack.message();
  StreamSpec before = Spec("views");
  before.collection = "toy@1";
  EXPECT_EQ(Refusal(before).code(), Code::kFailedPrecondition);
  EXPECT_EQ(Refusal(Spec("view(twist(3))")).code(), Code::kInvalidArgument);
  ASSERT_TRUE(AddSpatialTransform(*filled_.catalog).ok());
  EXPECT_EQ(Refusal(Spec("views>upside@1")).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
