// augstore ingest: images in, one embedding each, a new version of a collection.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"
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

Json ToJson(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  Json problems = Json::array();
  for (const SkippedImage& skipped : outcome.skipped) {
    problems.push_back({{"key", skipped.key}, {"reason", skipped.reason}});
  }
  return {
      {"collection", written.ref},
      {"digest", written.record.digest.Hex()},
      {"samples", written.record.samples},
      {"dtype", DtypeName(written.record.dtype)},
      {"embedded", outcome.embedded},
      {"reused", outcome.reused},
      {"skipped", outcome.skipped.size()},
      {"problems", problems},
      {"unchanged", written.unchanged},
      {"seconds", seconds},
      {"images_per_second", seconds > 0 ? static_cast<double>(outcome.rows.size()) / seconds : 0}};
}

void PrintText(const WrittenCollection& written, const EmbedOutcome& outcome, double seconds) {
  fmt::print("{}{}: {} samples in all; {} images embedded, {} reused, {} skipped, {:.1f} s\n",
             written.ref, written.unchanged ? " (unchanged)" : "", written.record.samples,
             outcome.embedded, outcome.reused, outcome.skipped.size(), seconds);
}

Status Ingest(IngestFlags flags) {
  AUGSTORE_ASSIGN(const ImageSource source, ListImages(flags.images));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, true));
  AUGSTORE_ASSIGN(flags.backbone.dtype,
                  StoredDtype(database->client(), flags.collection, flags.dtype, flags.replace));
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  const Progress clock("", "", 0, false);
  const bool show = !flags.common.quiet;
  AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                  EmbedItems(*database, *backbone, source.items, std::nullopt, "ingest", show));
  for (const SkippedImage& skipped : outcome.skipped) {
    std::fprintf(stderr, "skipped %s\n", skipped.reason.c_str());
  }
  const std::vector<SampleToWrite> samples = SamplesToWrite(flags, source, outcome);
  if (samples.empty()) {
    return InvalidArgument("none of the {} images in {} could be read: no version of '{}' was made",
                           source.items.size(), flags.images, flags.collection);
  }
  const BeginDraftRequest begin{.collection = flags.collection,
                                .backbone = backbone->record().digest,
                                .labels = {{flags.label_column, source.classes}},
                                .replace = flags.replace,
                                .source = FolderName(flags.images),
                                .dtype = flags.backbone.dtype};
  AUGSTORE_ASSIGN(const WrittenCollection written,
                  WriteCollection(database->client(), begin, samples));
  if (flags.common.json) {
    PrintJson(ToJson(written, outcome, clock.seconds()));
  } else {
    PrintText(written, outcome, clock.seconds());
  }
  return OkStatus();
}

}  // namespace

void AddIngestCommand(CLI::App* app) {
  auto flags = std::make_shared<IngestFlags>();
  CLI::App* command =
      AddCommand(app, "ingest", "Embed images once and commit a new version of a collection",
                 "augstore ingest --store db --collection cifar10 --backbone backbone.pt --images "
                 "cifar10/train --split train\n\n"
                 "Images: class folders (root/class/**/x.jpg), CIFAR-10/100 binary files, or a CSV "
                 "manifest path,label[,split].\n"
                 "An image whose embedding is stored is never embedded again; an interrupted "
                 "ingest goes on where it was.\n"
                 "Samples of equal key and split are replaced, others are added: ingest train and "
                 "test into one collection.",
                 [flags] { return Ingest(*flags); });
  AddCommonFlags(command, &flags->common);
  AddBackboneFlags(command, &flags->backbone);
  command->add_option("--collection", flags->collection, "Name of the collection")->required();
  command->add_option("--images", flags->images, "Folder, CIFAR file or CSV manifest")->required();
  command->add_option("--split", flags->split,
                      "Split of these images (default: the manifest's, else train)");
  command->add_option("--label-column", flags->label_column, "Name of the label column")
      ->capture_default_str();
  AddStoredDtypeFlag(command, &flags->dtype);
  command->add_flag("--replace", flags->replace,
                    "Start the new version empty instead of from the latest one");
}

}  // namespace augstore
