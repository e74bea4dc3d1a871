#include "tools/collection/test_set.h"

#include <algorithm>
#include <memory>

namespace augstore {

Result<TestSet> LoadTestSet(Client& client, const std::string& collection, const std::string& split,
                            const std::string& label_column) {
  const StreamSpec spec{.collection = collection,
                        .split = split,
                        .label_column = label_column,
                        .batch_size = 4096,
                        .shuffle = false};
  AUGSTORE_ASSIGN(const std::unique_ptr<BatchStream> stream, client.OpenStream(spec));
  const StreamReply& info = stream->info();
  TestSet test{.name = split, .embeddings = Matrix(info.samples, info.dim), .labels = {}};
  for (const Result<Batch>& batch : stream->Epoch(0)) {
    if (!batch.ok()) return batch.status();
    if (batch->embeddings.cols != info.dim || test.labels.size() + batch->size() > info.samples) {
      return Internal("the stream of {} gave more than the {} x {} values that it announced",
                      info.spec.collection, info.samples, info.dim);
    }
    const size_t values = batch->embeddings.rows * batch->embeddings.cols;
    std::copy_n(batch->embeddings.data, values, test.embeddings.row(test.labels.size()).data());
    test.labels.insert(test.labels.end(), batch->labels.begin(), batch->labels.end());
  }
  if (test.labels.size() != info.samples) {
    return Internal("the stream of {} ended after {} of {} samples", info.spec.collection,
                    test.labels.size(), info.samples);
  }
  return test;
}

}  // namespace augstore
