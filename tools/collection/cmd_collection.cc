// augstore collection ls | show | versions | delete
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

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
          {"created_unix_s", record.created_unix_s}};
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
  if (common.json) {
    PrintJson({{"collections", list}});
  } else if (entries.empty()) {
    fmt::print("no collections: `augstore ingest` makes one\n");
  } else {
    fmt::print("{}", table.ToString());
  }
}

// `name` empty: the latest version of each collection; else all versions of one.
Status List(const CommonFlags& common, const std::string& name) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(common));
  Client& client = database->client();
  if (!name.empty()) AUGSTORE_TRY(client.Get<CollectionRecord>(RecordKind::kCollection, name));
  AUGSTORE_ASSIGN(const auto all, client.List<CollectionRecord>(RecordKind::kCollection, name));
  std::vector<NamedCollection> shown;
  for (const NamedCollection& entry : all) {
    if (name.empty() && !shown.empty() && shown.back().name == entry.name) shown.pop_back();
    shown.push_back(entry);
  }
  PrintList(common, shown);
  return OkStatus();
}

Status Show(const CommonFlags& common, const std::string& ref) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(common));
  AUGSTORE_ASSIGN(const auto entry,
                  database->client().Get<CollectionRecord>(RecordKind::kCollection, ref));
  if (common.json) {
    PrintJson(ToJson(entry));
    return OkStatus();
  }
  const CollectionRecord& record = entry.record;
  fmt::print(
      "{}\n  samples   {} ({})\n  dim       {}, stored in {}\n  backbone  {}\n  digest    {}\n  "
      "source    {}\n",
      entry.ref(), record.samples, SplitText(record), record.dim, DtypeName(record.dtype),
      record.backbone.Hex(), record.digest.Hex(), record.source);
  for (const LabelColumn& column : record.labels) {
    fmt::print("  labels    {}: {} classes\n", column.name, column.classes.size());
  }
  return OkStatus();
}

Status Delete(const CommonFlags& common, const std::string& ref) {
  if (ref.find('@') == std::string::npos) {
    return InvalidArgument("'{}' names no version: say which one to delete, such as {}@1", ref,
                           ref);
  }
  AUGSTORE_ASSIGN(const auto database, Database::Open(common));
  AUGSTORE_ASSIGN(const auto entry,
                  database->client().Get<CollectionRecord>(RecordKind::kCollection, ref));
  AUGSTORE_TRY(
      database->client().Call<EndReply>(DeleteRecordRequest{RecordKind::kCollection, entry.ref()}));
  if (common.json) {
    PrintJson({{"deleted", entry.ref()}});
  } else {
    fmt::print("deleted {}; its embeddings stay stored for other collections\n", entry.ref());
  }
  return OkStatus();
}

}  // namespace

void AddCollectionCommands(CLI::App* app) {
  CLI::App* group = AddCommand(app, "collection", "List, show and delete collections", "", nullptr);
  auto common = std::make_shared<CommonFlags>();
  auto ref = std::make_shared<std::string>();
  const auto add = [&](const std::string& name, const std::string& text, const std::string& example,
                       CommandBody body) {
    CLI::App* command = AddCommand(group, name, text, example, std::move(body));
    AddCommonFlags(command, common.get());
    return command;
  };
  add("ls", "List the collections, each at its latest version", "augstore collection ls --store db",
      [common] { return List(*common, ""); });
  add("show", "Show one version: counts, classes, digest",
      "augstore collection show cifar10@2 --store db --json",
      [common, ref] { return Show(*common, *ref); })
      ->add_option("collection", *ref, "Collection, such as cifar10 or cifar10@2")
      ->required();
  add("versions", "List all versions of one collection",
      "augstore collection versions cifar10 --store db",
      [common, ref] { return List(*common, *ref); })
      ->add_option("collection", *ref, "Name of the collection")
      ->required();
  add("delete", "Delete one version (embeddings stay, version numbers are not used again)",
      "augstore collection delete cifar10@1 --store db",
      [common, ref] { return Delete(*common, *ref); })
      ->add_option("collection", *ref, "Version to delete, such as cifar10@1")
      ->required();
}

}  // namespace augstore
