// augstore collection ls | show | versions | delete
#include <algorithm>
#include <nlohmann/json.hpp>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/cli/command.h"
#include "tools/cli/delete_command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"
#include "tools/collection/view_writer.h"

namespace augstore {
namespace {

struct RefFlags {
  CommonFlags common;
  std::string ref;
};

struct ShowFlags {
  CommonFlags common;
  std::string ref;
  bool bytes_digest = false;
};

using NamedCollection = Versioned<CollectionRecord>;

Json ToJson(const NamedCollection& entry) {
  const CollectionRecord& record = entry.record;
  Json splits = Json::object();
  for (const SplitCount& split : record.splits) splits[split.name] = split.samples;
  Json labels = Json::array();
  for (const LabelColumn& column : record.labels) {
    labels.push_back({{"name", column.name}, {"classes", column.classes}});
  }
  return {{"ref", entry.ref()},
          {"name", entry.name},
          {"version", entry.version},
          {"digest", record.digest.Hex()},
          {"samples", record.samples},
          {"splits", splits},
          {"labels", labels},
          {"dim", record.dim},
          {"dtype", DtypeName(record.dtype)},
          {"backbone", record.backbone.Hex()},
          {"source", record.source},
          {"created_unix_s", record.created_unix_s},
          {"views", ViewsJson(record.views)},
          {"viewed", record.viewed}};
}

std::string SplitText(const CollectionRecord& record) {
  std::string text;
  for (const SplitCount& split : record.splits) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", split.name, split.samples);
  }
  return text;
}

void PrintList(const CommonFlags& common, const std::vector<NamedCollection>& entries) {
  Json list = Json::array();
  Table table({"collection", "samples", "splits", "classes", "dim", "dtype", "digest"});
  for (const NamedCollection& entry : entries) {
    list.push_back(ToJson(entry));
    const size_t classes = entry.record.labels.empty() ? 0 : entry.record.labels[0].classes.size();
    table.Row({entry.ref(), std::to_string(entry.record.samples), SplitText(entry.record),
               std::to_string(classes), std::to_string(entry.record.dim),
               std::string(DtypeName(entry.record.dtype)),
               entry.record.digest.Hex().substr(0, 16)});
  }
  Emit(common, {{"collections", list}},
       entries.empty() ? "no collections: `augstore ingest` makes one\n" : table.ToString());
}

// No ref: the latest version of each collection; else all versions of one.
Status List(const RefFlags& flags, Client& client) {
  const std::string& name = flags.ref;
  if (!name.empty()) AUGSTORE_TRY(client.Get<CollectionRecord>(name));
  AUGSTORE_ASSIGN(const auto all, client.List<CollectionRecord>(name));
  std::vector<NamedCollection> shown;
  for (const NamedCollection& entry : all) {
    if (name.empty() && !shown.empty() && shown.back().name == entry.name) shown.pop_back();
    shown.push_back(entry);
  }
  PrintList(flags.common, shown);
  return OkStatus();
}

// Of the embeddings of rows, as f32.
Status AddEmbeddings(Client& client, const CollectionRecord& record, std::span<const RowId> rows,
                     DigestBuilder* digest) {
  constexpr size_t kReplyBytes = 16u << 20;
  const size_t most = std::max<size_t>(1, kReplyBytes / (record.dim * sizeof(float)));
  for (size_t begin = 0; begin < rows.size(); begin += most) {
    const auto part = rows.subspan(begin, std::min(most, rows.size() - begin));
    const ReadRowsRequest request{
        .backbone = record.backbone, .rows = {part.begin(), part.end()}, .dtype = record.dtype};
    AUGSTORE_ASSIGN(const Batch batch, client.CallForBatch(request));
    if (batch.embeddings.rows != part.size() || batch.embeddings.cols != record.dim) {
      return Internal("the database answered with {} x {} values for {} rows of {}",
                      batch.embeddings.rows, batch.embeddings.cols, part.size(), record.dim);
    }
    digest->AddBytes({reinterpret_cast<const uint8_t*>(batch.embeddings.data),
                      part.size() * record.dim * sizeof(float)});
  }
  return OkStatus();
}

// docs/formats.md: "Digest of a collection".
Result<Digest> BytesDigest(Client& client, const NamedCollection& entry, bool show) {
  const CollectionRecord& record = entry.record;
  DigestBuilder digest;
  digest.AddText("augstore embeddings 1").AddBytes(record.digest.bytes);
  Progress progress("digest", "samples", record.samples, show);
  for (SampleId begin = 0; begin < record.samples;) {
    const GetSamplesRequest request{
        .collection = entry.ref(), .begin = begin, .count = kSampleChunkRows};
    AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
    if (reply.samples.size() == 0) return Internal("the samples end at {}", begin);
    AUGSTORE_TRY(AddEmbeddings(client, record, reply.samples.rows, &digest));
    begin += reply.samples.size();
    progress.Update(begin);
    if (Interrupted()) return InterruptedStatus("nothing was changed");
  }
  return digest.Finish();
}

Status Show(const ShowFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto entry, client.Get<CollectionRecord>(flags.ref));
  const CollectionRecord& record = entry.record;
  std::string text = fmt::format(
      "{}\n  samples   {} ({})\n  dim       {}, stored in {}\n  backbone  {}\n  digest    {}\n  "
      "source    {}\n",
      entry.ref(), record.samples, SplitText(record), record.dim, DtypeName(record.dtype),
      BackboneName(client, record.backbone), record.digest.Hex(), record.source);
  for (const LabelColumn& column : record.labels) {
    text += fmt::format("  labels    {}: {} classes\n", column.name, column.classes.size());
  }
  if (!record.views.empty()) {
    text += fmt::format("  views     {} ({} samples)\n", ViewsText(record.views), record.viewed);
  }
  Json json = ToJson(entry);
  if (flags.bytes_digest) {
    AUGSTORE_ASSIGN(const Digest digest, BytesDigest(client, entry, !flags.common.quiet));
    json["bytes_digest"] = digest.Hex();
    text += fmt::format("  bytes     {}\n", digest.Hex());
  }
  Emit(flags.common, json, text);
  return OkStatus();
}

}  // namespace

void AddCollectionCommands(Command* app) {
  Command* group = app->AddGroup("collection", "List, show and delete collections");
  const auto ref = [](const std::string& help) {
    return [help](Command* command, RefFlags* flags) {
      command->AddFlag("collection", &flags->ref, help).Required();
    };
  };
  AddCommand<RefFlags>(
      group, "ls", "List the collections, each at its latest version",
      "augstore collection ls --store db", [](Command*, RefFlags*) {}, List);
  AddCommand<ShowFlags>(
      group, "show", "Show one version: counts, classes, digest",
      "augstore collection show cifar10@2 --store db --json",
      [](Command* command, ShowFlags* flags) {
        command->AddFlag("collection", &flags->ref, "Collection, such as cifar10 or cifar10@2")
            .Required();
        command->AddFlag("--bytes-digest", &flags->bytes_digest,
                         "Read all embeddings and show a digest of their bytes, too: equal where "
                         "not only the images are the same but also every bit of Φ(x)");
      },
      Show);
  AddCommand<RefFlags>(group, "versions", "List all versions of one collection",
                       "augstore collection versions cifar10 --store db",
                       ref("Name of the collection"), List);
  AddDeleteCommand(group, RecordKind::kCollection,
                   "Embeddings stay, for other collections; `augstore gc` gives back those that "
                   "nothing names.");
}

}  // namespace augstore
