// augstore query: embeddings of chosen samples, raw or through a chain of transforms.
#include <nlohmann/json.hpp>

#include "schemas/base/files.h"
#include "schemas/weights/npy.h"
#include "tools/cli/command.h"

namespace augstore {
namespace {

struct QueryFlags {
  CommonFlags common;
  std::string collection;
  std::vector<SampleId> ids;
  std::string apply = "identity";
  std::string npy;
};

Json ToJson(const Batch& batch, const std::string& ref, const std::string& chain) {
  Json rows = Json::array();
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto row = batch.embeddings.row(i);
    rows.push_back({{"sample", batch.samples[i]},
                    {"label", batch.labels[i]},
                    {"embedding", std::vector<float>(row.begin(), row.end())}});
  }
  return {{"collection", ref}, {"apply", chain}, {"dim", batch.embeddings.cols}, {"rows", rows}};
}

Status Query(const QueryFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags.collection));
  const QueryRequest request{.collection = collection.ref(),
                             .samples = flags.ids,
                             .chain = flags.apply,
                             .label_column = ""};
  AUGSTORE_ASSIGN(const Batch batch, client.CallForBatch(request));
  if (flags.npy.empty()) {
    PrintJson(ToJson(batch, collection.ref(), flags.apply));
    return OkStatus();
  }
  AUGSTORE_TRY(WriteFileAtomically(flags.npy, WriteNpyMatrix(batch.embeddings)));
  Emit(flags.common, {{"file", flags.npy}, {"rows", batch.size()}, {"dim", batch.embeddings.cols}},
       fmt::format("{}: {} x {} float32\n", flags.npy, batch.size(), batch.embeddings.cols));
  return OkStatus();
}

void AddFlags(Command* command, QueryFlags* flags) {
  command->AddFlag("--collection", &flags->collection, "Collection, such as cifar10 or cifar10@2")
      .Required();
  command->AddFlag("--ids", &flags->ids, "Sample numbers, separated by commas").Required();
  command->AddFlag("--apply", &flags->apply, "Chain of transforms, left to right");
  command->AddFlag("--npy", &flags->npy, "Write the matrix to this file instead of printing JSON");
}

}  // namespace

void AddQueryCommand(Command* app) {
  AddCommand<QueryFlags>(
      app, "query", "Embeddings of chosen samples, raw or augmented, as JSON or .npy",
      "augstore query --connect tcp://127.0.0.1:7411 --collection cifar10 --ids 1,2,3 "
      "--apply 'hflip>rotate15'",
      AddFlags, Query);
}

}  // namespace augstore
