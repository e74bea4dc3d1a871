// What readers see of a simulated server, compared with the model.
#ifndef AUGSTORE_TESTS_CLIENT_SIMULATION_CHECKS_H_
#define AUGSTORE_TESTS_CLIENT_SIMULATION_CHECKS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "client/client.h"
#include "tests/client/simulation_model.h"
#include "tests/client/simulation_world.h"
#include "tests/support/filled_store.h"

namespace augstore::simulation {

class Checks {
 public:
  Checks(World* world, Model* model) : world_(*world), model_(*model) {}

  void CheckVersion(Client& client, const std::string& name, uint32_t number) {
    Version& version = model_.collections[name].versions.at(number);
    const std::string ref = fmt::format("{}@{}", name, number);
    const auto record = client.Get<CollectionRecord>(ref);
    ASSERT_TRUE(record.ok()) << record.status().ToString();
    EXPECT_EQ(record->record.samples, version.content.size()) << ref;
    if (!version.digest.has_value()) version.digest = record->record.digest;
    EXPECT_EQ(record->record.digest, *version.digest) << ref << " changed";
    Content content;
    while (content.size() < version.content.size()) {
      const auto reply = client.Call<SamplesReply>(
          GetSamplesRequest{ref, content.size(), static_cast<uint32_t>(kSampleChunkRows)});
      ASSERT_TRUE(reply.ok()) << reply.status().ToString();
      const SampleChunk& chunk = reply->samples;
      ASSERT_GT(chunk.size(), 0u);
      for (size_t i = 0; i < chunk.size(); ++i) {
        const uint64_t image = ImageOf(chunk.images[i]);
        EXPECT_EQ(chunk.rows[i], model_.rows.at(image));
        content.push_back(
            {chunk.split_names[chunk.splits[i]], chunk.keys[i], image, chunk.labels[0][i]});
      }
    }
    EXPECT_EQ(content, version.content) << ref;
  }

  void CheckCollection(Client& client, const std::string& name) {
    const Collection& collection = model_.collections[name];
    for (uint32_t number = 1; number <= collection.last + 1; ++number) {
      if (collection.versions.contains(number)) {
        CheckVersion(client, name, number);
      } else {
        const auto record = client.Get<CollectionRecord>(fmt::format("{}@{}", name, number));
        EXPECT_EQ(record.status().code(), Code::kNotFound) << name << "@" << number;
      }
    }
  }

  // One epoch through a transform: every sample once, with the embedding that the model computes.
  void CheckStream(Client& client, const std::string& name, const std::string& transform) {
    if (model_.collections[name].versions.empty() || model_.transforms[transform].empty()) return;
    const uint32_t number = model_.collections[name].latest();
    const Content& content = model_.collections[name].versions.at(number).content;
    const std::vector<float>& scales = model_.transforms[transform];
    const size_t chosen = world_.Draw(scales.size());
    const OpenStreamRequest open{{.collection = fmt::format("{}@{}", name, number),
                                  .split = "",
                                  .policy = fmt::format("{}@{}", transform, chosen + 1),
                                  .label_column = "",
                                  .seed = world_.Draw(1000),
                                  .batch_size = 4}};
    const auto stream = client.Call<StreamReply>(open);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    std::set<SampleId> seen;
    for (uint64_t step = 0; step < stream->steps; ++step) {
      const auto batch = PullBatch({stream->spec, stream->fingerprint, 0, step, 1});
      ASSERT_TRUE(batch.ok()) << batch.status().ToString();
      for (size_t i = 0; i < batch->size(); ++i) {
        EXPECT_TRUE(seen.insert(batch->samples[i]).second) << "a sample comes once";
        const Sample& sample = content.at(batch->samples[i]);
        EXPECT_EQ(batch->labels[i], sample.label);
        EXPECT_EQ(batch->embeddings.row(i)[3], scales[chosen] * TestValue(sample.image, 3));
      }
    }
    EXPECT_EQ(seen.size(), content.size());
  }

  void CheckTransforms(Client& client, const std::string& name) {
    const auto listed = client.List<TransformRecord>(name);
    ASSERT_TRUE(listed.ok()) << listed.status().ToString();
    EXPECT_EQ(listed->size(), model_.transforms[name].size());
    for (const auto& [alias, version] : model_.aliases[name]) {
      const auto record = client.Get<TransformRecord>(name + "@" + alias);
      ASSERT_TRUE(record.ok()) << record.status().ToString();
      EXPECT_EQ(record->version, version) << name << "@" << alias;
    }
  }

 private:
  // The reverse of TestImage.
  static uint64_t ImageOf(const ContentHash& hash) {
    uint64_t index = 0;
    for (size_t i = 8; i > 0; --i) index = index << 8 | hash.bytes[i - 1];
    return index;
  }

  // As BatchStream does on its thread: again on a new connection until it comes.
  Result<Batch> PullBatch(const BatchesRequest& request) {
    for (;;) {
      auto channel = world_.Channels()();
      if (!channel.ok()) continue;
      if (!(*channel)->Send(ToFrame(request)).ok()) continue;
      const Result<Frame> frame = (*channel)->Receive();
      if (frame.status().code() == Code::kUnavailable) continue;
      AUGSTORE_TRY(frame);
      AUGSTORE_TRY(ExpectType(*frame, MessageType::kBatchReply));
      return BatchFromFrame(*frame);
    }
  }

  World& world_;
  Model& model_;
};

}  // namespace augstore::simulation

#endif  // AUGSTORE_TESTS_CLIENT_SIMULATION_CHECKS_H_
