// augstore export: a collection's embeddings and labels as .npy or safetensors.
#include <nlohmann/json.hpp>

#include "schemas/base/files.h"
#include "schemas/weights/npy.h"
#include "schemas/weights/safetensors.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/collection/test_set.h"

namespace augstore {
namespace {

struct ExportFlags {
  CommonFlags common;
  std::string collection;
  std::string split;
  std::string label_column;
  std::string npy;
  std::string labels;
  std::string safetensors;
};

std::string ToSafetensors(const std::string& ref, const TestSet& set) {
  const Matrix& z = set.embeddings;
  const std::vector<int64_t> labels(set.labels.begin(), set.labels.end());
  const TensorView tensors[] = {
      {"embeddings",
       "F32",
       {z.rows(), z.cols()},
       {reinterpret_cast<const uint8_t*>(z.data()), z.rows() * z.cols() * sizeof(float)}},
      {"labels",
       "I64",
       {labels.size()},
       {reinterpret_cast<const uint8_t*>(labels.data()), labels.size() * sizeof(int64_t)}}};
  return WriteSafetensors({{"collection", ref}, {"split", set.name}}, tensors);
}

Status Export(const ExportFlags& flags) {
  if (flags.npy.empty() && flags.safetensors.empty()) {
    return InvalidArgument(
        "nothing to write: give --npy Z.npy (and --labels Y.npy) or --safetensors FILE");
  }
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kRead));
  AUGSTORE_ASSIGN(const auto collection,
                  database->client().Get<CollectionRecord>(flags.collection));
  AUGSTORE_ASSIGN(const TestSet set, LoadTestSet(database->client(), collection.ref(), flags.split,
                                                 flags.label_column));
  Json written = Json::array();
  const auto write = [&written](const std::string& path, const std::string& bytes) -> Status {
    if (path.empty()) return OkStatus();
    AUGSTORE_TRY(WriteFileAtomically(path, bytes));
    written.push_back({{"file", path}, {"bytes", bytes.size()}});
    return OkStatus();
  };
  if (!flags.npy.empty()) AUGSTORE_TRY(write(flags.npy, WriteNpyMatrix(set.embeddings.view())));
  if (!flags.labels.empty()) {
    const std::vector<int64_t> labels(set.labels.begin(), set.labels.end());
    AUGSTORE_TRY(write(flags.labels, WriteNpyIntegers(labels)));
  }
  if (!flags.safetensors.empty())
    AUGSTORE_TRY(write(flags.safetensors, ToSafetensors(collection.ref(), set)));
  std::string text;
  for (const Json& file : written) {
    text +=
        fmt::format("{}: {} samples of {}, {}\n", file["file"].get<std::string>(),
                    set.labels.size(), collection.ref(), HumanBytes(file["bytes"].get<double>()));
  }
  Emit(flags.common,
       {{"collection", collection.ref()}, {"samples", set.labels.size()}, {"files", written}},
       text);
  return OkStatus();
}

void AddFlags(Command* command, ExportFlags* flags) {
  command->AddFlag("--collection", &flags->collection, "Collection, such as cifar10 or cifar10@2")
      .Required();
  command->AddFlag("--split", &flags->split, "One split (default: all samples)");
  command->AddFlag("--label-column", &flags->label_column, "Label column (default: the first)");
  command->AddFlag("--npy", &flags->npy, "File for the n x d matrix");
  command->AddFlag("--labels", &flags->labels, "File for the n labels (.npy)");
  command->AddFlag("--safetensors", &flags->safetensors, "File for the matrix and the labels");
}

}  // namespace

void AddExportCommand(Command* app) {
  AddCommand<ExportFlags>(
      app, "export", "Write a collection's embeddings and labels to files",
      "augstore export --store db --collection cifar10@2 --split train --npy z.npy --labels y.npy",
      AddFlags, Export);
}

}  // namespace augstore
