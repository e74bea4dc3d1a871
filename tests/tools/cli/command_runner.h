// Runs a subcommand in this process as main does, and a small store to run it on.
#ifndef AUGSTORE_TESTS_TOOLS_CLI_COMMAND_RUNNER_H_
#define AUGSTORE_TESTS_TOOLS_CLI_COMMAND_RUNNER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "schemas/base/digest.h"
#include "tools/cli/command.h"
#include "tools/cli/program.h"
#include "tools/collection/collection_writer.h"
#include "tools/commands.h"

namespace augstore {

struct CommandResult {
  int exit_code = 0;
  std::string out;
  std::string err;
  Json json() const { return Json::parse(out); }
};

// `add` is one of commands.h's functions; `args` are what a user types after "augstore".
inline CommandResult RunCommand(void (*add)(Command*), std::vector<std::string> args) {
  for (const char* name :
       {"AUGSTORE_STORE", "AUGSTORE_CONNECT", "AUGSTORE_BACKBONE", "AUGSTORE_MEMORY"}) {
    ::unsetenv(name);  // a flag that a test leaves out must stay out
  }
  Command program("augstore", "");
  add(&program);
  CommandResult result;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  result.exit_code = RunWords(program, std::move(args));
  std::fflush(stdout);
  result.out = testing::internal::GetCapturedStdout();
  result.err = testing::internal::GetCapturedStderr();
  return result;
}

inline constexpr uint32_t kBlobDim = 8;

inline Digest BlobBackbone(uint8_t seed = 1) { return Sha256(std::span(&seed, 1)); }

// Collection `name` in the store at `path`: three well separated classes, splits train (240
// samples), test (60) and unlabelled (10), of backbone "blobs" with digest BlobBackbone(seed).
inline Status MakeBlobs(const std::string& path, const std::string& name, uint8_t seed = 1) {
  AUGSTORE_ASSIGN(const auto database,
                  Database::Open({.store = path, .connect = {}}, StoreAccess::kCreate));
  Client& client = database->client();
  const Digest backbone = BlobBackbone(seed);
  AUGSTORE_TRY(client.Add(RecordKind::kBackbone, "blobs",
                          Encode(BackboneRecord{.digest = backbone,
                                                .dim = kBlobDim,
                                                .mean = {},
                                                .stddev = {},
                                                .source = {},
                                                .feature_map = {}})));
  constexpr size_t kRows = 310;
  AppendRowsRequest append{.backbone = backbone,
                           .images = {},
                           .embeddings = Matrix(kRows, kBlobDim),
                           .feature_maps = {}};
  std::vector<SampleToWrite> samples(kRows);
  std::minstd_rand random(seed);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kBlobDim; ++j) {
      const float noise = static_cast<float>(random() % 1000) / 1000.0f;
      append.embeddings.row(i)[j] = noise + (j == i % 3 ? 3.0f : 0.0f);
    }
    samples[i].key = "image," + std::to_string(i);
    samples[i].label = i < 300 ? static_cast<int32_t>(i % 3) : -1;
    samples[i].split = i < 240 ? "train" : i < 300 ? "test" : "unlabelled";
    append.images.push_back(HashContent({reinterpret_cast<const uint8_t*>(&i), sizeof(i)}));
  }
  AUGSTORE_TRY(client.Call<RowIdsReply>(append));
  for (size_t i = 0; i < kRows; ++i) samples[i].image = append.images[i];
  const BeginDraftRequest begin{.collection = name,
                                .backbone = backbone,
                                .labels = {{"label", {"red", "green", "blue"}}},
                                .source = {}};
  AUGSTORE_TRY(WriteCollection(client, begin, samples));
  return OkStatus();
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_TOOLS_CLI_COMMAND_RUNNER_H_
