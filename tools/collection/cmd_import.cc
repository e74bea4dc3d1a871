// augstore import: embeddings that were computed elsewhere.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/math/unit_length.h"
#include "schemas/base/digest.h"
#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "schemas/weights/npy.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/stream_flags.h"
#include "tools/collection/collection_writer.h"
#include "tools/collection/row_keys.h"

namespace augstore {
namespace {

struct ImportFlags {
  CommonFlags common;
  std::string collection;
  std::string embeddings;
  std::string labels;
  std::string classes;
  std::string split = "train";
  std::string backbone_file;
  std::string backbone_name;
  std::optional<Dtype> dtype;
  WriteFlags write;
};

// The backbone that made the embeddings: its file's digest, or a digest of the name alone when
// there is no file at hand.
Result<BackboneRecord> ImportedBackbone(const ImportFlags& flags, const Matrix& matrix) {
  if (flags.backbone_file.empty() == flags.backbone_name.empty()) {
    return InvalidArgument(
        "say which backbone made {}: --backbone FILE.pt (identified by its bytes) or "
        "--backbone-name NAME, one of them",
        flags.embeddings);
  }
  BackboneRecord record;
  record.dim = static_cast<uint32_t>(matrix.cols());
  record.normalised = HaveUnitLength(matrix.view());
  if (!flags.backbone_file.empty()) {
    AUGSTORE_ASSIGN(record.digest, Sha256File(flags.backbone_file));
    record.source = std::filesystem::path(flags.backbone_file).filename().string();
  } else {
    record.digest = DigestBuilder().AddText("imported").AddText(flags.backbone_name).Finish();
    record.source = "imported";
  }
  return record;
}

// Registers the backbone unless its digest is known.
Status RegisterBackbone(Client& client, const ImportFlags& flags, const BackboneRecord& record) {
  AUGSTORE_ASSIGN(const auto known, FindBackbone(client, record.digest));
  if (known.has_value()) {
    if (known->record.dim != record.dim) {
      return FailedPrecondition("backbone {} has dimension {}, but {} has {} columns", known->ref(),
                                known->record.dim, flags.embeddings, record.dim);
    }
    if (record.normalised || !known->record.normalised) return OkStatus();
    return FailedPrecondition(
        "all embeddings of backbone {} have length 1, and some rows of {} have another length: "
        "divide each row by its length, or name another backbone",
        known->ref(), flags.embeddings);
  }
  const std::string name = flags.backbone_name.empty()
                               ? std::filesystem::path(flags.backbone_file).stem().string()
                               : flags.backbone_name;
  return client.Add(RecordKind::kBackbone, name, Encode(record)).status();
}

// Everything that can be wrong with the matrix or the collection comes up before anything is
// stored.
Status CheckBeforeStoring(Client& client, const ImportFlags& flags, const Matrix& matrix,
                          const Digest& backbone, Dtype dtype) {
  if (matrix.rows() == 0) return InvalidArgument("{} has no rows", flags.embeddings);
  if (flags.split.empty()) return InvalidArgument("--split is empty: give a name, such as train");
  for (size_t i = 0; i < matrix.rows(); ++i) {
    for (const float value : matrix.row(i)) {
      if (std::isfinite(value)) continue;
      return InvalidArgument("row {} of {} has the value {}: embeddings must be finite", i,
                             flags.embeddings, value);
    }
    if (!FitsDtype(dtype, matrix.row(i))) {
      return InvalidArgument("row {} of {} has values that {} cannot hold: store {}", i,
                             flags.embeddings, DtypeName(dtype), WiderDtypes(dtype));
    }
  }
  const auto latest = client.Get<CollectionRecord>(flags.collection);
  if (latest.ok() && latest->record.backbone != backbone) {
    return FailedPrecondition(
        "collection {} is of backbone {}, these embeddings are of {}: name another collection",
        latest->ref(), BackboneName(client, latest->record.backbone),
        BackboneName(client, backbone));
  }
  return OkStatus();
}

Result<std::vector<std::string>> ReadClasses(const ImportFlags& flags,
                                             const std::vector<int64_t>& labels) {
  std::vector<std::string> classes;
  if (!flags.classes.empty()) {
    AUGSTORE_ASSIGN(const std::string text, ReadFile(flags.classes, kMaxTextBytes));
    std::string line;
    for (std::istringstream stream(text); std::getline(stream, line);) {
      if (!line.empty()) classes.push_back(line);
    }
  } else if (!labels.empty()) {
    const int64_t highest = *std::max_element(labels.begin(), labels.end());
    if (highest >= kMaxClasses) {
      return InvalidArgument("{}: label {} is over the limit of {} classes", flags.labels, highest,
                             kMaxClasses);
    }
    for (int64_t i = 0; i <= highest; ++i) classes.push_back(std::to_string(i));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < -1 || labels[i] >= static_cast<int64_t>(classes.size())) {
      return InvalidArgument("{}: label {} of row {} is outside -1 .. {}", flags.labels, labels[i],
                             i, classes.size() - 1);
    }
  }
  return classes;
}

struct ImportedRows {
  std::vector<ContentHash> hashes;
  uint64_t stored = 0;
};

Result<ImportedRows> StoreRows(Client& client, const Digest& backbone, Dtype dtype,
                               const Matrix& matrix, bool show) {
  ImportedRows out;
  Progress progress("import", "rows", matrix.rows(), show);
  for (size_t begin = 0; begin < matrix.rows(); begin += kSegmentRows) {
    const size_t count = std::min<size_t>(kSegmentRows, matrix.rows() - begin);
    AppendRowsRequest request{.backbone = backbone,
                              .images = {},
                              .embeddings = Matrix(count, matrix.cols()),
                              .feature_maps = {},
                              .dtype = dtype};
    std::copy_n(matrix.row(begin).data(), count * matrix.cols(), request.embeddings.data());
    for (size_t i = 0; i < count; ++i) {
      const auto row = matrix.row(begin + i);
      request.images.push_back(
          HashContent({reinterpret_cast<const uint8_t*>(row.data()), row.size_bytes()}));
    }
    FindImagesRequest find{.backbone = backbone, .images = request.images, .dtype = dtype};
    AUGSTORE_ASSIGN(const RowIdsReply known, client.Call<RowIdsReply>(find));
    out.stored += static_cast<uint64_t>(std::count(known.rows.begin(), known.rows.end(), kNoRow));
    AUGSTORE_ASSIGN(const RowIdsReply reply, client.Call<RowIdsReply>(request));
    if (std::ranges::count(reply.rows, kNoRow) > 0 || reply.rows.size() != count)
      return Internal("the database stored another number of rows");
    out.hashes.insert(out.hashes.end(), find.images.begin(), find.images.end());
    progress.Update(out.hashes.size());
    if (Interrupted())
      return InterruptedStatus("rows so far are stored: run the same command again to go on");
  }
  return out;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): a shared_ptr owns it

void EmitImport(const ImportFlags& flags, const WrittenCollection& written,
                const ImportedRows& stored) {
  const uint64_t reused = stored.hashes.size() - stored.stored;
  Json json = {{"collection", written.ref},         {"digest", written.record.digest.Hex()},
               {"samples", written.record.samples}, {"dtype", DtypeName(written.record.dtype)},
               {"stored", stored.stored},           {"reused", reused},
               {"unchanged", written.unchanged}};
  json.update(ChangesJson(written.changes));
  Emit(flags.common, json,
       fmt::format("{}{}: {} samples in all; {}; {} rows stored, {} reused\n", written.ref,
                   written.unchanged ? " (unchanged)" : "", written.record.samples,
                   ChangesText(written.changes), stored.stored, reused));
}

Status Import(const ImportFlags& flags) {
  AUGSTORE_ASSIGN(const Matrix matrix, ReadNpyMatrix(flags.embeddings));
  std::vector<int64_t> labels;
  if (!flags.labels.empty()) {
    AUGSTORE_ASSIGN(labels, ReadNpyIntegers(flags.labels));
    if (labels.size() != matrix.rows()) {
      return InvalidArgument("{} has {} labels for the {} rows of {}", flags.labels, labels.size(),
                             matrix.rows(), flags.embeddings);
    }
  }
  AUGSTORE_ASSIGN(const std::vector<std::string> classes, ReadClasses(flags, labels));
  AUGSTORE_ASSIGN(const BackboneRecord backbone, ImportedBackbone(flags, matrix));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const Dtype dtype,
                  StoredDtype(client, flags.collection, flags.dtype, flags.write.start_empty));
  AUGSTORE_TRY(CheckBeforeStoring(client, flags, matrix, backbone.digest, dtype));
  AUGSTORE_TRY(RegisterBackbone(client, flags, backbone));
  AUGSTORE_ASSIGN(const ImportedRows stored,
                  StoreRows(client, backbone.digest, dtype, matrix, !flags.common.quiet));

  const std::string stem = std::filesystem::path(flags.embeddings).filename().string();
  const std::vector<std::string> keys = RowKeys(stored.hashes);
  std::vector<SampleToWrite> samples;
  for (size_t i = 0; i < stored.hashes.size(); ++i) {
    const int32_t label = labels.empty() ? -1 : static_cast<int32_t>(labels[i]);
    samples.push_back({keys[i], stored.hashes[i], label, flags.split});
  }
  const BeginDraftRequest begin{.collection = flags.collection,
                                .backbone = backbone.digest,
                                .labels = {{"label", classes}},
                                .start_empty = flags.write.start_empty,
                                .source = stem,
                                .dtype = dtype,
                                .replace_samples = flags.write.replace_samples};
  AUGSTORE_ASSIGN(
      const WrittenCollection written,
      WriteCollection(
          client, begin, samples,
          [&](const DraftChanges& changes) { WarnOfSharedRows(flags.collection, "rows", changes); },
          !flags.common.quiet));
  EmitImport(flags, written, stored);
  return OkStatus();
}

void AddFlags(Command* command, ImportFlags* flags) {
  command->AddFlag("--collection", &flags->collection, "Name of the collection").Required();
  command->AddFlag("--npy", &flags->embeddings, "n x d matrix of float16, float32 or float64")
      .Required();
  command->AddFlag("--labels", &flags->labels, "n integers; -1: unlabelled");
  command->AddFlag("--classes", &flags->classes, "Text file with one class name per line");
  command->AddFlag("--split", &flags->split, "Split of these rows");
  command->AddFlag("--backbone", &flags->backbone_file,
                   "File of the backbone that made the embeddings");
  command->AddFlag("--backbone-name", &flags->backbone_name,
                   "Name of that backbone, when there is no file");
  AddStoredDtypeFlag(command, &flags->dtype);
  AddWriteFlags(command, &flags->write);
}

}  // namespace

void AddImportCommand(Command* app) {
  AddCommand<ImportFlags>(app, "import", "Store embeddings that were computed elsewhere",
                          "augstore import --store db --collection clip --npy z.npy --labels y.npy "
                          "--backbone-name clip-vit-b32\n\n"
                          "A row's key is the hash of its values: the same row imported again is "
                          "the same sample, and another file adds its rows.",
                          AddFlags, Import);
}

}  // namespace augstore
