// Streams over tests/support/filled_store.h, resolved and read.
#ifndef AUGSTORE_TESTS_ENGINE_STREAMS_STREAM_SUPPORT_H_
#define AUGSTORE_TESTS_ENGINE_STREAMS_STREAM_SUPPORT_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/streams/stream.h"
#include "engine/streams/stream_batch.h"
#include "schemas/wire/batch.h"
#include "tests/engine/kernels/networks.h"
#include "tests/support/filled_store.h"

namespace augstore {

inline const char* const kTestPolicy = "identity:2,double:1,shift>double@1:1";

class StreamTest : public testing::Test {
 protected:
  static StreamSpec Spec(const std::string& policy = kTestPolicy) {
    StreamSpec spec;
    spec.collection = "toy";
    spec.split = "train";
    spec.policy = policy;
    spec.seed = 5;
    spec.batch_size = 64;
    return spec;
  }

  std::shared_ptr<const Stream> Resolve(const StreamSpec& spec) {
    const auto stream = ResolveStream(*filled_.catalog, models_, spec);
    EXPECT_TRUE(stream.ok()) << stream.status().ToString();
    return stream.ok() ? stream.value() : nullptr;
  }

  Status Refusal(const StreamSpec& spec) {
    return ResolveStream(*filled_.catalog, models_, spec).status();
  }

  Batch Build(const Stream& stream, uint64_t epoch, uint64_t step, Engine& engine) {
    const auto body = BuildBatch(stream, epoch, step, *filled_.store, engine);
    EXPECT_TRUE(body.ok()) << body.status().ToString();
    const auto batch = BatchFromFrame(BatchFrame(body.value(), 1));
    EXPECT_TRUE(batch.ok()) << batch.status().ToString();
    return batch.value();
  }

  FilledStore filled_;
  MemoryBudget memory_{0, "tests"};
  ModelCache models_{filled_.catalog.get(), &memory_};
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_STREAMS_STREAM_SUPPORT_H_
