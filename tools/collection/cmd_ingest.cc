// augstore ingest: images in, one embedding each, a new version of a collection.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "schemas/base/limits.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/split_folders.h"
#include "tools/cli/stream_flags.h"
#include "tools/collection/collection_writer.h"
#include "tools/collection/embedder.h"

namespace augstore {
namespace {

struct IngestFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string collection;
  std::string images;
  std::string split;
  std::string label_column = "label";
  std::optional<Dtype> dtype;
  std::optional<uint64_t> max_skipped;
  WriteFlags write;
};

std::vector<SampleToWrite> SamplesToWrite(const IngestFlags& flags, const ImageSource& source,
                                          const EmbedOutcome& outcome) {
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < source.items.size(); ++i) {
    if (outcome.rows[i] == kNoRow) continue;
    const ImageItem& item = source.items[i];
    const std::string& split = flags.split.empty() ? item.split : flags.split;
    samples.push_back({item.key, outcome.images[i], item.label, split.empty() ? "train" : split});
  }
  return samples;
}

Json ToJson(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(outcome.rows.size()) / seconds : 0;
  Json json = {{"collection", written.ref},
               {"digest", written.record.digest.Hex()},
               {"samples", written.record.samples},
               {"dtype", DtypeName(written.record.dtype)}};
  json.update(ChangesJson(written.changes));
  json.update(EmbedJson(outcome));
  json.update(
      {{"unchanged", written.unchanged}, {"seconds", seconds}, {"images_per_second", rate}});
  return json;
}

std::string Text(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  return fmt::format(
      "{}{}: {} samples in all; {}; {} images embedded, {} reused, {} skipped, {:.1f} s\n",
      written.ref, written.unchanged ? " (unchanged)" : "", written.record.samples,
      ChangesText(written.changes), outcome.embedded, outcome.reused, outcome.skipped.size(),
      seconds);
}

Status Ingest(IngestFlags flags) {
  AUGSTORE_ASSIGN(const ImageSource source, ListClasses(flags.images));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  AUGSTORE_ASSIGN(flags.backbone.dtype, StoredDtype(database->client(), flags.collection,
                                                    flags.dtype, flags.write.start_empty));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, database->client(), !flags.common.quiet));
  const Stopwatch clock;
  const bool show = !flags.common.quiet;
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(*database, *backbone, source.items, std::nullopt, "ingest", show));
  PrintSkipped(outcome);
  if (flags.max_skipped.has_value() && outcome.skipped.size() > *flags.max_skipped) {
    return FailedPrecondition(
        "{} of {} images were skipped, and --max-skipped is {}: no version of '{}' was made; mend "
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
                                .start_empty = flags.write.start_empty,
                                .source = FolderName(flags.images),
                                .dtype = flags.backbone.dtype,
                                .replace_samples = flags.write.replace_samples};
  AUGSTORE_ASSIGN(const WrittenCollection written, WriteCollection(
                                                       database->client(), begin, samples,
                                                       [&](const DraftChanges& changes) {
                                                         WarnOfSharedRows(flags.collection,
                                                                          "images", changes);
                                                       },
                                                       show));
  Emit(flags.common, ToJson(written, outcome, clock.seconds()),
       Text(written, outcome, clock.seconds()));
  return OkStatus();
}

void AddFlags(Command* command, IngestFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--collection", &flags->collection, "Name of the collection").Required();
  command->AddFlag("--images", &flags->images, "Folder, CIFAR file or CSV manifest").Required();
  command->AddFlag("--split", &flags->split,
                   "Split of these images (default: the manifest's, else train)");
  command->AddFlag("--label-column", &flags->label_column, "Name of the label column");
  AddStoredDtypeFlag(command, &flags->dtype);
  command->AddFlag(
      "--max-skipped", &flags->max_skipped,
      "Damaged images, and those that the backbone fails for, to leave out at most (default: any "
      "number)");
  AddWriteFlags(command, &flags->write);
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
      "A sample is known by its split and key. Samples that are there stay, others are added: "
      "ingest train and test into one collection.",
      AddFlags, Ingest);
}

}  // namespace augstore
