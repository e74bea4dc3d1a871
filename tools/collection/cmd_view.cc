// augstore view ls | drop
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/table.h"
#include "tools/collection/view_writer.h"

namespace augstore {
namespace {

struct ListFlags {
  CommonFlags common;
  std::string collection;
};

struct DropFlags {
  CommonFlags common;
  std::string collection;
  std::string law;
  std::optional<uint64_t> seed;
  bool dry_run = false;
};

Status List(const ListFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto entry, client.Get<CollectionRecord>(flags.collection));
  const CollectionRecord& record = entry.record;
  Table table({"law", "views", "seed"});
  for (const ViewSet& set : record.views) {
    table.Row({set.law, std::to_string(set.count), std::to_string(set.seed)});
  }
  const std::string text =
      record.views.empty()
          ? fmt::format("{} has no stored views: `augstore view add` stores some\n", entry.ref())
          : fmt::format("{}{}: {} of {} samples have all of them\n", table.ToString(), entry.ref(),
                        record.viewed, record.samples);
  Emit(flags.common,
       {{"collection", entry.ref()},
        {"views", ViewsJson(record.views)},
        {"viewed", record.viewed},
        {"samples", record.samples}},
       text);
  return OkStatus();
}

Status Drop(const DropFlags& flags) {
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.dry_run ? StoreAccess::kRead : StoreAccess::kWrite));
  const bool show = !flags.common.quiet;
  AUGSTORE_ASSIGN(const CollectionImages of,
                  ReadImages(database->client(), flags.collection, "", show));
  AUGSTORE_ASSIGN(const OpPattern law, OpPattern::Parse(flags.law));
  const std::string canonical = law.ToString();
  const auto is_dropped = [&](const ViewSet& set) {
    return set.law == canonical && (!flags.seed.has_value() || set.seed == *flags.seed);
  };
  std::vector<ViewSet> kept;
  std::vector<ViewSet> dropped;
  for (const ViewSet& set : of.collection.record.views) {
    (is_dropped(set) ? dropped : kept).push_back(set);
  }
  if (dropped.empty()) {
    return NotFound("collection '{}' has no such views; it has: {}", of.collection.ref(),
                    ViewsText(of.collection.record.views));
  }
  Json json = {{"dropped", ViewsJson(dropped)}, {"views", ViewsJson(kept)}};
  if (flags.dry_run) {
    json.update({{"collection", of.collection.ref()}, {"applied", false}});
    Emit(flags.common, json,
         fmt::format("would drop {} of {}; it would have: {}\nnothing was dropped\n",
                     ViewsText(dropped), of.collection.ref(), ViewsText(kept)));
    return OkStatus();
  }
  AUGSTORE_ASSIGN(const std::vector<ViewLaw> laws, WithSets(kept, {}));
  AUGSTORE_ASSIGN(const WrittenViews written, WriteViews(database->client(), of, laws, show));
  json.update({{"collection", written.ref}, {"applied", true}});
  Emit(flags.common, json,
       fmt::format("{} has no more {}; it has: {} ({} keeps them)\n", written.ref,
                   ViewsText(dropped), ViewsText(kept), of.collection.ref()));
  return OkStatus();
}

}  // namespace

void AddViewReadCommands(Command* group) {
  AddCommand<ListFlags>(
      group, "ls", "List the view sets of a collection", "augstore view ls photos --store db",
      [](Command* command, ListFlags* flags) {
        command->AddFlag("collection", &flags->collection, "Collection, such as photos or photos@3")
            .Required();
      },
      List);
  AddCommand<DropFlags>(
      group, "drop", "Commit a version of a collection without one of its view sets",
      "augstore view drop photos --law vflip --store db --dry-run\n\n"
      "Earlier versions keep their views, and the store keeps their rows as long as it has their "
      "images: the same set is added again without Φ.",
      [](Command* command, DropFlags* flags) {
        command->AddFlag("collection", &flags->collection, "Name of the collection").Required();
        command->AddFlag("--law", &flags->law, "Law of the views, as `view ls` prints it")
            .Required();
        command->AddFlag("--seed", &flags->seed, "Those of this seed alone");
        command->AddFlag("--dry-run", &flags->dry_run, "Only say what would be dropped");
      },
      Drop);
}

}  // namespace augstore
