// Writers and readers of one server that restarts and loses messages, step by step beside a model
// (simulation_model.h). Everything is drawn from a seed, which is printed.
// AUGSTORE_SIMULATION_SEED replays one; AUGSTORE_SIMULATION_RUNS: how many (tools/torture).
#include <gtest/gtest.h>

#include <cstdlib>

#include "client/client.h"
#include "tests/client/simulation_checks.h"
#include "tests/client/simulation_model.h"
#include "tests/client/simulation_world.h"
#include "tests/support/filled_store.h"
#include "tests/support/flaky.h"

namespace augstore::simulation {
namespace {

constexpr uint64_t kSteps = 400;
constexpr uint64_t kClients = 3;
constexpr uint64_t kImages = 60;  // few, so that the same come again
constexpr uint64_t kKeys = 30;
constexpr uint32_t kMaxScale = 50;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : world_(seed) {
    for (uint64_t i = 0; i < kClients; ++i) {
      clients_.push_back(Client::Open(world_.Channels(), Eager()).value());
      drafts_.emplace_back();
    }
    const auto added = client().Add(RecordKind::kBackbone, "phi", Encode(TestBackboneRecord()));
    EXPECT_TRUE(added.ok()) << added.status().ToString();
    EXPECT_TRUE(StoreImages());
  }

  void Run() {
    for (step_ = 0; step_ < kSteps && !testing::Test::HasFailure(); ++step_) {
      actor_ = world_.Draw(kClients);
      Step();
    }
    world_.StopFaults();
    for (const auto& [name, _] : model_.collections) checks_.CheckCollection(client(), name);
    for (const auto& [name, _] : model_.transforms) checks_.CheckTransforms(client(), name);
    std::string cursor;
    do {
      const auto step = client().Call<VerifyReply>(VerifyRequest{cursor});
      ASSERT_TRUE(step.ok()) << step.status().ToString();
      EXPECT_EQ(step->problems, std::vector<std::string>());
      cursor = step->cursor;
    } while (!cursor.empty());
  }
  std::string Describe() const {
    return fmt::format("step {}, {} restarts, {} faults", step_, world_.restarts(),
                       world_.faults());
  }
  uint64_t made() const { return made_; }

 private:
  Client& client() { return *clients_[actor_]; }
  Draft* draft() { return drafts_[actor_].has_value() ? &*drafts_[actor_] : nullptr; }

  void Step() {
    switch (world_.Draw(12)) {
      case 0:
        StoreImages();
        break;
      case 1:
      case 2:
      case 3:
        if (draft() == nullptr) BeginDraft();
        AppendSamples();
        break;
      case 4:
      case 5:
        Commit();
        break;
      case 6:
        if (world_.Chance(20)) Abort();
        break;
      case 7:
        if (world_.Chance(30)) DeleteVersion();
        break;
      case 8:
        AddTransform();
        break;
      case 9:
        MoveAlias();
        break;
      case 10:
        if (!model_.collections.empty()) checks_.CheckCollection(client(), AnyCollection());
        break;
      default:
        if (!model_.collections.empty()) {
          checks_.CheckStream(client(), AnyCollection(), world_.Chance(50) ? "t0" : "t1");
        }
    }
  }

  // What a request that is not repeated may end in although the server did it, or did not.
  static bool IsInDoubt(const Status& status) { return status.code() == Code::kUnavailable; }

  std::string AnyCollection() {
    auto found = model_.collections.begin();
    std::advance(found, world_.Draw(model_.collections.size()));
    return found->first;
  }

  // --- Rows ---
  bool StoreImages() {
    AppendRowsRequest request{
        .backbone = TestBackbone(), .images = {}, .embeddings = {}, .feature_maps = {}};
    const uint64_t first = world_.Draw(kImages - 8);
    request.embeddings = TestEmbeddings(first, 8);
    for (uint64_t i = 0; i < 8; ++i) request.images.push_back(TestImage(first + i));
    const auto rows = client().Call<RowIdsReply>(request);
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    if (!rows.ok()) return false;
    for (uint64_t i = 0; i < 8; ++i) {
      const auto [known, is_new] = model_.rows.emplace(first + i, rows->rows[i]);
      EXPECT_EQ(known->second, rows->rows[i]) << "an image keeps its row";
    }
    return true;
  }

  // --- Writing a version ---
  void BeginDraft() {
    Draft fresh;
    fresh.collection = fmt::format("c{}", world_.Draw(3));
    fresh.start_empty = world_.Chance(20);
    fresh.replace = world_.Chance(50);
    DraftSpec spec{fresh.collection, TestBackbone(), TestLabels(), fresh.start_empty, "simulated"};
    spec.replace_samples = fresh.replace;
    const auto opened = client().Call<DraftReply>(spec);
    // One whose reply was lost stays with the server until it restarts.
    if (!opened.ok()) {
      EXPECT_TRUE(IsInDoubt(opened.status()) || opened.status().code() == Code::kResourceExhausted)
          << opened.status().ToString();
      return;
    }
    const Collection& collection = model_.collections[fresh.collection];
    fresh.number = opened->draft;
    fresh.restarts = world_.restarts();
    fresh.latest = collection.latest();
    if (!fresh.start_empty) fresh.base = collection.LatestContent();
    if (fresh.latest == 0 || fresh.start_empty) fresh.replace = true;  // there is nothing to keep
    drafts_[actor_] = std::move(fresh);
  }

  static SampleChunk ChunkOf(const Content& samples) {
    SampleChunk chunk;
    chunk.labels.resize(1);
    chunk.split_names = {samples.front().split};  // all have one
    for (const Sample& sample : samples) {
      chunk.images.push_back(TestImage(sample.image));
      chunk.splits.push_back(0);
      chunk.labels[0].push_back(sample.label);
      chunk.keys.push_back(sample.key);
    }
    return chunk;
  }

  // A few, or now and then so many that a version has several chunks.
  Content DrawSamples() {
    const bool many = world_.Chance(4);
    Content samples;
    const uint64_t count = many ? 3000 : 1 + world_.Draw(6);
    const std::string split = "split" + std::to_string(world_.Draw(2));
    for (uint64_t i = 0; i < count; ++i) {
      auto image = model_.rows.begin();
      std::advance(image, world_.Draw(model_.rows.size()));
      const uint64_t key = many ? i : i * kKeys + world_.Draw(kKeys);
      samples.push_back({split, fmt::format("key{}", key), image->first,
                         static_cast<int32_t>(world_.Draw(kTestClasses))});
    }
    return samples;
  }

  void AppendSamples() {
    if (draft() == nullptr || !draft()->in_doubt.empty()) return;
    const Content samples = DrawSamples();
    const Places places = PlacesOf(draft()->added);
    const bool repeats = std::ranges::any_of(samples, [&](const Sample& sample) {
      return places.contains({sample.split, sample.key});
    });
    const auto appended =
        client().Call<EndReply>(AppendSamplesRequest{draft()->number, ChunkOf(samples)});
    if (LostDraft(appended.status())) return;
    if (IsInDoubt(appended.status())) {
      if (!repeats) draft()->in_doubt = samples;
      return;
    }
    EXPECT_EQ(appended.status().code(), repeats ? Code::kInvalidArgument : Code::kOk)
        << appended.status().ToString();
    if (appended.ok()) Extend(&draft()->added, samples);
  }

  static void Extend(Content* to, const Content& samples) {
    to->insert(to->end(), samples.begin(), samples.end());
  }

  // A draft is lost with the server, and only then.
  bool LostDraft(const Status& status) {
    if (status.code() != Code::kNotFound) return false;
    EXPECT_NE(draft()->restarts, world_.restarts()) << status.ToString();
    drafts_[actor_].reset();
    return true;
  }

  Result<RecordReply> CallCommit(uint64_t appended) {
    return client().CallInSteps<RecordReply>(CommitDraftRequest{draft()->number, appended});
  }

  void Commit() {
    if (draft() == nullptr || (draft()->added.empty() && draft()->in_doubt.empty())) return;
    Content added = draft()->added;
    if (!draft()->in_doubt.empty()) {
      // Whether the samples arrived is found out by the count, which a commit must name.
      Extend(&added, draft()->in_doubt);
      draft()->in_doubt.clear();
      const auto counted = CallCommit(added.size() + 1);
      if (LostDraft(counted.status()) || IsInDoubt(counted.status())) {
        if (draft() != nullptr) Abort();
        return;
      }
      EXPECT_EQ(counted.status().code(), Code::kFailedPrecondition) << counted.status().ToString();
      const std::string has = fmt::format("has {} samples", draft()->added.size());
      if (counted.status().message().find(has) != std::string::npos) added = draft()->added;
      if (added.empty()) return;
    }
    const auto made = CallCommit(added.size());
    if (IsInDoubt(made.status()) || made.status().code() == Code::kNotFound) {
      EXPECT_TRUE(IsInDoubt(made.status()) || draft()->restarts != world_.restarts())
          << made.status().ToString();
      SettleCommit(added);
    } else {
      CheckCommit(added, made);
    }
    drafts_[actor_].reset();
  }

  void CheckCommit(const Content& added, const Result<RecordReply>& made) {
    const Outcome outcome = model_.Commit(*draft(), added);
    if (outcome == Outcome::kRefused) {
      EXPECT_EQ(made.status().code(), Code::kFailedPrecondition) << made.status().ToString();
      Abort();
      return;
    }
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    made_ += outcome == Outcome::kNewVersion ? 1 : 0;
    EXPECT_EQ(made->version, model_.collections[draft()->collection].latest());
    checks_.CheckVersion(client(), draft()->collection, made->version);
  }

  // A commit whose reply or whose draft was lost was made whole or not at all.
  void SettleCommit(const Content& added) {
    const std::string name = draft()->collection;
    const uint32_t before = model_.collections[name].latest();
    const auto latest = client().Get<CollectionRecord>(name);
    const uint32_t version = latest.ok() ? latest->version : 0;
    if (version != before) {
      EXPECT_EQ(model_.Commit(*draft(), added), Outcome::kNewVersion);
      ++made_;
      EXPECT_EQ(version, model_.collections[name].latest());
    }
    if (version != 0) checks_.CheckVersion(client(), name, version);
  }

  void Abort() {
    if (draft() == nullptr) return;
    const auto aborted = client().Call<EndReply>(AbortDraftRequest{draft()->number});
    EXPECT_TRUE(aborted.ok() || aborted.status().code() == Code::kNotFound)
        << aborted.status().ToString();
    drafts_[actor_].reset();
  }

  void DeleteVersion() {
    if (model_.collections.empty()) return;
    const std::string name = AnyCollection();
    Collection& collection = model_.collections[name];
    if (collection.versions.empty()) return;
    auto victim = collection.versions.begin();
    std::advance(victim, world_.Draw(collection.versions.size()));
    const std::string ref = fmt::format("{}@{}", name, victim->first);
    const auto gone =
        client().Call<DeletionReply>(DeleteRecordRequest{RecordKind::kCollection, ref});
    const bool is_there = client().Get<CollectionRecord>(ref).ok();
    EXPECT_TRUE(gone.ok() || IsInDoubt(gone.status())) << gone.status().ToString();
    EXPECT_FALSE(gone.ok() && is_there) << ref;
    if (!is_there) collection.versions.erase(victim);
  }

  // --- Registry ---
  void AddTransform() {
    const std::string name = fmt::format("t{}", world_.Draw(2));
    auto& scales = model_.transforms[name];
    const float scale = static_cast<float>(1 + scales.size() + (name == "t0" ? 0 : kMaxScale));
    if (scales.size() >= kMaxScale) return;
    const Layers layers = ScalingLayers(scale, 0);
    const auto version = client().Add(RecordKind::kTransform, name, Encode(TestTransform(layers)),
                                      layers.ToSafetensors());
    ASSERT_TRUE(version.ok()) << version.status().ToString();
    scales.push_back(scale);
    EXPECT_EQ(*version, scales.size()) << "it was stored once";
  }

  void MoveAlias() {
    if (model_.transforms.empty()) return;
    const auto& [name, scales] = *model_.transforms.begin();
    if (scales.empty()) return;
    const auto version = static_cast<uint32_t>(1 + world_.Draw(scales.size()));
    const std::string alias = world_.Chance(50) ? "champion" : "trial";
    const Status moved =
        client().SetAlias({RecordKind::kTransform, name, alias, version, "simulated"});
    EXPECT_TRUE(moved.ok() || IsInDoubt(moved)) << moved.ToString();
    const auto record = client().Get<TransformRecord>(name + "@" + alias);
    std::map<std::string, uint32_t>& aliases = model_.aliases[name];
    if (record.ok() && record->version == version) aliases[alias] = version;
    const auto known = aliases.find(alias);
    EXPECT_EQ(record.ok() ? record->version : 0, known == aliases.end() ? 0 : known->second);
    EXPECT_TRUE(!moved.ok() || record->version == version);
  }

  World world_;
  Model model_;
  Checks checks_{&world_, &model_};
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::optional<Draft>> drafts_;  // of each client
  size_t actor_ = 0;
  uint64_t step_ = 0;
  uint64_t made_ = 0;
};

TEST(Simulation, HoldsWhatAModelHoldsWhateverIsLostAndRestarted) {
  const uint64_t first = FromEnvironment("AUGSTORE_SIMULATION_SEED", std::random_device()());
  const uint64_t runs = FromEnvironment("AUGSTORE_SIMULATION_RUNS", 5);
  uint64_t made = 0;
  for (uint64_t seed = first; seed < first + runs; ++seed) {
    SCOPED_TRACE(fmt::format("AUGSTORE_SIMULATION_SEED={}", seed));
    Simulation simulation(seed);
    simulation.Run();
    made += simulation.made();
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ": " << simulation.Describe();
  }
  std::printf("seeds %llu to %llu: %llu versions made\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + runs - 1),
              static_cast<unsigned long long>(made));
  EXPECT_GT(made, runs) << "the simulation writes";
}

}  // namespace
}  // namespace augstore::simulation
