// augstore ingest: images in, one embedding each, a new version of a collection.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "schemas/base/limits.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/stream_flags.h"
#include "tools/collection/collection_writer.h"
#include "tools/collection/embedder.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

struct IngestFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string collection;
  std::string images;
  std::string split;
  std::string label_column = "label";
  std::optional<Dtype> dtype;
  std::optional<uint64_t> max_skipped;
  bool replace = false;
};

std::vector<SampleToWrite> SamplesToWrite(const IngestFlags& flags, const ImageSource& source,
                                          const EmbedOutcome& outcome) {
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < source.items.size(); ++i) {
    if (outcome.rows[i] == kNoRow) continue;
    const ImageItem& item = source.items[i];
    const std::string& split = flags.split.empty() ? item.split : flags.split;
    samples.push_back({item.key, outcome.rows[i], item.label, split.empty() ? "train" : split});
  }
  return samples;
}

const std::set<std::string> kSplitNames = {"train", "test", "val", "valid", "validation"};

bool HasFolders(const fs::path& folder) {
  std::error_code error;
  return std::ranges::any_of(fs::directory_iterator(folder, error),
                             [](const fs::directory_entry& entry) { return entry.is_directory(); });
}

// A folder of splits would become a collection whose classes are called train and test.
Status RefuseFolderOfSplits(const std::string& images) {
  std::error_code error;
  std::set<std::string> splits;
  for (const fs::directory_entry& entry : fs::directory_iterator(images, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory()) continue;
    if (!kSplitNames.contains(name) || !HasFolders(entry.path())) return OkStatus();
    splits.insert(name);
  }
  if (splits.empty()) return OkStatus();
  const std::string first = *splits.begin();
  return InvalidArgument(
      "--images {} holds splits ({}), each with its class folders: ingest one at a time, such as "
      "--images {} --split {}",
      images, fmt::join(splits, ", "), (fs::path(images) / first).string(), first);
}

// Warns of images that are in several splits: what a head is tested on must be new to it.
Status WarnOfSharedImages(Client& client, const WrittenCollection& written) {
  if (written.record.splits.size() < 2) return OkStatus();
  std::unordered_map<RowId, std::string> split_of;
  std::map<std::string, std::set<RowId>> shared;  // "test and train" -> rows
  GetSamplesRequest request{.collection = written.ref, .begin = 0, .count = kSampleChunkRows};
  while (request.begin < written.record.samples) {
    AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
    const SampleChunk& chunk = reply.samples;
    if (chunk.size() == 0) break;
    for (size_t i = 0; i < chunk.size(); ++i) {
      const std::string& split = chunk.split_names[chunk.splits[i]];
      const auto [known, first] = split_of.emplace(chunk.rows[i], split);
      if (first || known->second == split) continue;
      const auto [a, b] = std::minmax(known->second, split);
      shared[fmt::format("{} and {}", a, b)].insert(chunk.rows[i]);
    }
    request.begin += chunk.size();
  }
  for (const auto& [splits, rows] : shared) {
    fmt::print(stderr,
               "warning: {} images of {} are both in {}: accuracies on one after training on the "
               "other are too high\n",
               rows.size(), written.ref, splits);
  }
  return OkStatus();
}

Json ToJson(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(outcome.rows.size()) / seconds : 0;
  Json json = {{"collection", written.ref},
               {"digest", written.record.digest.Hex()},
               {"samples", written.record.samples},
               {"dtype", DtypeName(written.record.dtype)}};
  json.update(EmbedJson(outcome));
  json.update(
      {{"unchanged", written.unchanged}, {"seconds", seconds}, {"images_per_second", rate}});
  return json;
}

std::string Text(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  return fmt::format(
      "{}{}: {} samples in all; {} images embedded, {} reused, {} skipped, {:.1f} s\n", written.ref,
      written.unchanged ? " (unchanged)" : "", written.record.samples, outcome.embedded,
      outcome.reused, outcome.skipped.size(), seconds);
}

Status Ingest(IngestFlags flags) {
  AUGSTORE_TRY(RefuseFolderOfSplits(flags.images));
  AUGSTORE_ASSIGN(const ImageSource source, ListImages(flags.images));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  AUGSTORE_ASSIGN(flags.backbone.dtype,
                  StoredDtype(database->client(), flags.collection, flags.dtype, flags.replace));
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  const Stopwatch clock;
  const bool show = !flags.common.quiet;
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(*database, *backbone, source.items, std::nullopt, "ingest", show));
  PrintSkipped(outcome);
  if (flags.max_skipped.has_value() && outcome.skipped.size() > *flags.max_skipped) {
    return FailedPrecondition(
        "{} of {} images are damaged, and --max-skipped is {}: no version of '{}' was made; mend "
        "the images, or raise the limit (what was embedded is stored)",
        outcome.skipped.size(), source.items.size(), *flags.max_skipped, flags.collection);
  }
  const std::vector<SampleToWrite> samples = SamplesToWrite(flags, source, outcome);
  if (samples.empty()) {
    return InvalidArgument("none of the {} images in {} could be read: no version of '{}' was made",
                           source.items.size(), flags.images, flags.collection);
  }
  const BeginDraftRequest begin{.collection = flags.collection,
                                .backbone = backbone->record().digest,
                                .labels = {{flags.label_column, source.classes}},
                                .start_empty = flags.replace,
                                .source = FolderName(flags.images),
                                .dtype = flags.backbone.dtype};
  AUGSTORE_ASSIGN(const WrittenCollection written,
                  WriteCollection(database->client(), begin, samples));
  Emit(flags.common, ToJson(written, outcome, clock.seconds()),
       Text(written, outcome, clock.seconds()));
  return WarnOfSharedImages(database->client(), written);
}

void AddFlags(Command* command, IngestFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--collection", &flags->collection, "Name of the collection").Required();
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest").Required();
  command->AddFlag("--split", &flags->split,
                   "Split of these images (default: the manifest's, else train)");
  command->AddFlag("--label-column", &flags->label_column, "Name of the label column");
  AddStoredDtypeFlag(command, &flags->dtype);
  command->AddFlag("--max-skipped", &flags->max_skipped,
                   "Damaged images to leave out at most (default: any number)");
  command->AddFlag("--replace", &flags->replace,
                   "Start the new version empty instead of from the latest one");
}

}  // namespace

void AddIngestCommand(Command* app) {
  AddCommand<IngestFlags>(
      app, "ingest", "Embed images once and commit a new version of a collection",
      "augstore ingest --store db --collection cifar10 --backbone backbone.pt --images "
      "cifar10/train --split train\n\n"
      "Images: class folders (root/class/**/x.jpg), CIFAR-10/100 binary files, or a CSV "
      "manifest path,label[,split].\n"
      "An image whose embedding is stored is never embedded again; an interrupted "
      "ingest goes on where it was.\n"
      "Samples of equal key and split are replaced, others are added: ingest train and "
      "test into one collection.",
      AddFlags, Ingest);
}

}  // namespace augstore
