// A batch is made of exactly one version of everything, while others register versions and move
// aliases.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/batch_stream.h"
#include "client/client.h"
#include "tests/support/ask.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

constexpr int kMoves = 1000;
constexpr int kReaders = 8;

// Registers "scale", which multiplies by the number of the version, and moves its alias "live".
class Writer {
 public:
  explicit Writer(const std::string& address) : client_(Client::Connect(address).value()) {}

  Status Step() {
    const float scale = static_cast<float>(version_ + 1);
    const Layers layers = ScalingLayers(scale, 0);
    AUGSTORE_ASSIGN(version_, client_->Add(RecordKind::kTransform, "scale",
                                           Encode(TestTransform(layers)), layers.ToSafetensors()));
    if (static_cast<float>(version_) != scale) return Internal("version {} was added", version_);
    return client_->SetAlias({RecordKind::kTransform, "scale", "live", version_, "", 0, false});
  }

 private:
  const std::unique_ptr<Client> client_;
  uint32_t version_ = 0;
};

// Reads epochs of "scale@live", each as of when it is opened.
class Reader {
 public:
  explicit Reader(const std::string& address) : client_(Client::Connect(address).value()) {}

  Status ReadEpoch(uint64_t seed) {
    AUGSTORE_ASSIGN(const std::unique_ptr<BatchStream> stream,
                    client_->OpenStream({.collection = "toy",
                                         .split = "train",
                                         .policy = "scale@live",
                                         .seed = seed % 2,  // streams meet others' batches
                                         .batch_size = 100}));
    const std::string& policy = stream->info().spec.policy;
    const auto pinned = static_cast<float>(std::stoi(policy.substr(policy.find('@') + 1)));
    for (const Result<Batch>& batch : stream->Epoch(0)) {
      AUGSTORE_TRY(batch.ok() ? OkStatus() : batch.status());
      AUGSTORE_TRY(CheckBatch(*batch, pinned));
      ++batches_;
    }
    return pinned < last_ ? Internal("version {} came after {}", pinned, last_) : Keep(pinned);
  }
  int batches() const { return batches_; }

 private:
  static Status CheckBatch(const Batch& batch, float version) {
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      for (size_t column = 0; column < kTestDim; ++column) {
        const float expected = version * TestValue(batch.samples[i], column);
        const float value = batch.embeddings.row(i)[column];
        if (value == expected) continue;
        return Internal("sample {} is {}, of version {} it is {}", batch.samples[i], value, version,
                        expected);
      }
    }
    return OkStatus();
  }
  Status Keep(float version) {
    last_ = version;
    return OkStatus();
  }

  const std::unique_ptr<Client> client_;
  float last_ = 0;
  int batches_ = 0;
};

TEST(MovingAliasTest, EachBatchIsOfExactlyOneVersionWhileAliasesMove) {
  Serving serving;
  const std::string address = serving.unix_socket().ToString();
  Writer writer(address);
  ASSERT_TRUE(writer.Step().ok());
  std::atomic<bool> done = false;
  std::atomic<int> batches = 0;
  std::vector<std::thread> readers;
  readers.reserve(kReaders);
  for (int number = 0; number < kReaders; ++number) {
    readers.emplace_back([&, number] {
      Reader reader(address);
      for (uint64_t epoch = 0; !done || reader.batches() == 0; ++epoch) {
        const Status status = reader.ReadEpoch(epoch + static_cast<uint64_t>(number));
        EXPECT_TRUE(status.ok()) << status.ToString();
        if (!status.ok()) break;
      }
      batches += reader.batches();
    });
  }
  for (int move = 1; move < kMoves; ++move) {
    const Status status = writer.Step();
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (!status.ok()) break;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  RecordProperty("batches", batches);
  EXPECT_GE(batches, kReaders * 8);
}

}  // namespace
}  // namespace augstore
