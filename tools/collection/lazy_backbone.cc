#include "tools/collection/lazy_backbone.h"

#include <fmt/format.h>

#include <filesystem>

#include "schemas/base/digest.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"

namespace augstore {
namespace {

std::string DefaultName(const std::string& file) {
  return std::filesystem::path(file).stem().string();
}

BackboneRecord Describe(const Backbone& loaded, const std::string& file) {
  return {.digest = loaded.digest(),
          .dim = loaded.dim(),
          .input_height = loaded.input_height(),
          .input_width = loaded.input_width(),
          .mean = loaded.mean(),
          .stddev = loaded.stddev(),
          .source = std::filesystem::path(file).filename().string(),
          .multiply_adds = loaded.multiply_adds(),
          .feature_map = loaded.feature_map(),
          .way = loaded.way(),
          .normalised = loaded.normalised()};
}

std::string Preprocessing(uint32_t height, uint32_t width, const std::vector<float>& mean,
                          const std::vector<float>& stddev) {
  std::string text = fmt::format("{}x{} pixels", width, height);
  if (mean.empty()) return text + ", no normalisation";
  return text +
         fmt::format(", mean [{}], std [{}]", fmt::join(mean, ", "), fmt::join(stddev, ", "));
}

// One digest means one function from pixels to z; other preprocessing would be another function
// under the same identity.
Status CheckPreprocessing(const BackboneFlags& flags, const std::string& ref,
                          const BackboneRecord& record) {
  if (record.input_height == 0) return OkStatus();  // imported: nothing was decided
  const bool resize_differs = flags.resize != 0 && (flags.resize != record.input_height ||
                                                    flags.resize != record.input_width);
  const bool mean_differs = !flags.mean.empty() && flags.mean != record.mean;
  const bool stddev_differs = !flags.stddev.empty() && flags.stddev != record.stddev;
  const bool length_differs = flags.normalised && !record.normalised;
  if (!resize_differs && !mean_differs && !stddev_differs && !length_differs) return OkStatus();
  return FailedPrecondition(
      "backbone {} is registered with {}{}; --resize, --mean, --std and --normalised ask for "
      "something else: leave them out, or use another store",
      ref, Preprocessing(record.input_height, record.input_width, record.mean, record.stddev),
      record.normalised ? ", embeddings of length 1" : "");
}

}  // namespace

void AddBackboneFlags(Command* command, BackboneFlags* flags) {
  command->AddFlag("--backbone", &flags->file, "TorchScript file of the backbone")
      .Env("AUGSTORE_BACKBONE")
      .Required();
  command->AddFlag("--backbone-name", &flags->name,
                   "Name to register it under (default: the file's name)");
  command->AddFlag(
      "--resize", &flags->resize,
      "Input height and width in pixels (default: what the backbone file says or accepts)");
  command
      ->AddFlag("--mean", &flags->mean,
                "Per-channel mean, if the backbone does not normalise by itself")
      .Count(3);
  command->AddFlag("--std", &flags->stddev, "Per-channel standard deviation, with --mean").Count(3);
  command->AddFlag("--normalised", &flags->normalised,
                   "Scale embeddings, and outputs of transforms, to length 1 (default: where the "
                   "backbone's own embeddings have it)");
  command->AddFlag("--threads", &flags->threads,
                   "Threads for Φ and for decoding (default: all cores)");
}

Result<std::unique_ptr<LazyBackbone>> LazyBackbone::Open(const BackboneFlags& flags, Client& client,
                                                         bool show_progress,
                                                         std::shared_ptr<Backbone> loaded) {
  AUGSTORE_ASSIGN(const Digest digest, Sha256File(flags.file));
  auto backbone = std::make_unique<LazyBackbone>();
  backbone->flags_ = flags;
  backbone->show_progress_ = show_progress;
  backbone->loaded_ = std::move(loaded);
  AUGSTORE_ASSIGN(const auto known, FindBackbone(client, digest));
  if (known.has_value()) {
    AUGSTORE_TRY(CheckPreprocessing(flags, known->ref(), known->record));
    backbone->ref_ = known->ref();
    if (known->record.input_height != 0) {
      backbone->record_ = known->record;
      return backbone;
    }
    // Known by embeddings that were imported, not by its file.
    backbone->flags_.normalised |= known->record.normalised;
    AUGSTORE_ASSIGN(const Backbone* phi, backbone->Load());
    backbone->record_ = Describe(*phi, flags.file);
    if (phi->dim() != known->record.dim) {
      return FailedPrecondition(
          "backbone {} is registered with dimension {}, but {} gives embeddings of dimension {}",
          known->ref(), known->record.dim, flags.file, phi->dim());
    }
    if (phi->normalised() == known->record.normalised) return backbone;
    return FailedPrecondition(
        "the embeddings of {} have length 1, and those that were imported for backbone {} have "
        "not: import them again after dividing each by its length, into another store",
        flags.file, known->ref());
  }
  AUGSTORE_ASSIGN(Backbone * phi, backbone->Load());
  const BackboneRecord record = Describe(*phi, flags.file);
  const std::string name = flags.name.empty() ? DefaultName(flags.file) : flags.name;
  AUGSTORE_ASSIGN(const uint32_t version, client.Add(RecordKind::kBackbone, name, Encode(record)));
  backbone->ref_ = name + "@" + std::to_string(version);
  backbone->record_ = record;
  return backbone;
}

Result<Backbone*> LazyBackbone::Load() {
  if (loaded_ != nullptr) return loaded_.get();
  BackboneOptions options{.input_height = flags_.resize,
                          .input_width = flags_.resize,
                          .mean = flags_.mean,
                          .stddev = flags_.stddev,
                          .way = {},
                          .normalised = flags_.normalised,
                          .threads = flags_.threads,
                          .report = nullptr};
  if (record_.dim != 0) {  // registered: what was decided then holds
    options.input_height = record_.input_height;
    options.input_width = record_.input_width;
    options.mean = record_.mean;
    options.stddev = record_.stddev;
    options.way = record_.way;
    options.normalised = record_.normalised;
  }
  Progress progress("backbone " + std::filesystem::path(flags_.file).filename().string(), "steps",
                    0, show_progress_);
  uint64_t steps = 0;
  options.report = [&](const std::string& what) {
    if (progress.seconds() > 2) progress.Update(steps, what);
    ++steps;
  };
  AUGSTORE_ASSIGN(loaded_, Backbone::Load(flags_.file, options));
  return loaded_.get();
}

}  // namespace augstore
