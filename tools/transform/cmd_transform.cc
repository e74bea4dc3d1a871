// augstore transform ls | show | alias
#include "tools/transform/cmd_transform.h"

#include <map>
#include <nlohmann/json.hpp>

#include "schemas/base/names.h"
#include "tools/cli/delete_command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

using NamedTransform = Versioned<TransformRecord>;

struct ReadFlags {
  CommonFlags common;
  std::string ref;
};

struct AliasFlags {
  CommonFlags common;
  std::string name;
  std::string alias;
  uint32_t version = 0;
  std::string note;
  double min_r2 = 0;
  bool force = false;
};

void AddRow(const NamedTransform& transform, const std::vector<std::string>& aliases,
            Table* table) {
  const TransformRecord& record = transform.record;
  const bool measured = !record.card.entries.empty();
  const CardEntry entry = measured ? record.card.entries.front() : CardEntry{};
  const std::string cosine = Decimal(entry.cosine_before) + " -> " + Decimal(entry.cosine_after);
  table->Row({transform.ref(), record.op.empty() ? "-" : record.op, record.family,
              LayersText(record.layers), measured ? Decimal(entry.r2) : "-",
              measured ? cosine : "-", HumanCount(static_cast<double>(record.card.multiply_adds)),
              ListText(aliases, "")});
}

Status List(const ReadFlags& flags, Client& client) {
  if (!flags.ref.empty()) {
    AUGSTORE_TRY(ValidateName(flags.ref));
    AUGSTORE_TRY(client.Get<TransformRecord>(flags.ref));
  }
  AUGSTORE_ASSIGN(const auto transforms, client.List<TransformRecord>(flags.ref));
  Table table({"transform", "op", "family", "layers", "G", "cosine", "multiply-adds", "aliases"});
  Json list = Json::array();
  std::map<std::string, AliasHistory> histories;
  for (const NamedTransform& transform : transforms) {
    if (!histories.contains(transform.name)) {
      AUGSTORE_ASSIGN(histories[transform.name],
                      client.Aliases(RecordKind::kTransform, transform.name));
    }
    const auto aliases = AliasesOf(histories[transform.name], transform.version);
    AddRow(transform, aliases, &table);
    list.push_back(TransformJson(transform, aliases));
  }
  Emit(flags.common, {{"transforms", list}},
       transforms.empty() ? "no transforms: `augstore transform train` makes one\n"
                          : table.ToString());
  return OkStatus();
}

std::string CardText(const TransformRecord& record) {
  const Card& card = record.card;
  std::string text;
  if (card.train_pairs > 0) {
    text = fmt::format("  trained   on {} pairs in {:.1f} s, seed {}{}\n", card.train_pairs,
                       card.train_seconds, card.seed, card.notes.empty() ? "" : "; " + card.notes);
  }
  if (card.entries.empty()) {
    return text +
           "  card      none: it was registered without data; `augstore transform eval` "
           "measures it\n";
  }
  text += fmt::format(
      "\nquality: G is the displacement R² (0: as good as doing nothing, 1: perfect), with its 95 "
      "% interval\n{}",
      CardTable(card));
  if (!card.candidates.empty()) {
    text += fmt::format("\nfamilies that were tried on the same held-out pairs; * is this one\n{}",
                        CandidatesTable(card, record.family));
  }
  if (!card.measures.empty()) text += "\n" + MeasureTable(card.measures);
  return text;
}

std::string TransformText(const NamedTransform& transform,
                          const std::vector<std::string>& aliases) {
  const TransformRecord& record = transform.record;
  const uint64_t cost =
      record.card.multiply_adds > 0 ? record.card.multiply_adds : MultiplyAdds(record.layers);
  std::string text = fmt::format("{}\n  op        {}\n  family    {}\n  layers    {}\n",
                                 transform.ref(), record.op.empty() ? "unknown" : record.op,
                                 record.family, LayersText(record.layers));
  if (record.feature_map.values() > 0) {
    text += fmt::format("  reads     z and the stored feature map, {}\n",
                        record.feature_map.ToString());
  }
  text += fmt::format("  cost      {} multiply-adds per row\n  backbone  {}\n  weights   {}\n",
                      HumanCount(static_cast<double>(cost)), record.backbone.Hex(),
                      record.weights.Hex());
  text += fmt::format("  aliases   {}\n  created   {} UTC\n", ListText(aliases, "none"),
                      UtcText(record.created_unix_s));
  return text + CardText(record);
}

Status Show(const ReadFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const NamedTransform transform, client.Get<TransformRecord>(flags.ref));
  AUGSTORE_ASSIGN(const AliasHistory history,
                  client.Aliases(RecordKind::kTransform, transform.name));
  const auto aliases = AliasesOf(history, transform.version);
  Emit(flags.common, TransformJson(transform, aliases), TransformText(transform, aliases));
  return OkStatus();
}

void PrintHistory(const AliasHistory& history, const AliasFlags& flags) {
  Json moves = Json::array();
  Json aliases = Json::object();
  Table table({"when (UTC)", "alias", "version", "note"});
  for (const AliasMove& move : history.moves) {
    moves.push_back({{"alias", move.alias},
                     {"version", move.version},
                     {"note", move.note},
                     {"unix_s", move.unix_s},
                     {"forced", move.forced}});
    aliases[move.alias] = move.version;
    if (move.version == 0) aliases.erase(move.alias);
    table.Row({UtcText(move.unix_s), move.alias,
               fmt::format("{}{}", move.version, move.forced ? " (forced)" : ""), move.note});
  }
  Emit(flags.common, {{"name", flags.name}, {"aliases", aliases}, {"moves", moves}},
       history.moves.empty()
           ? fmt::format(
                 "{0} has no aliases: `augstore transform alias {0} ALIAS VERSION` sets one\n",
                 flags.name)
           : table.ToString());
}

Status Alias(const AliasFlags& flags) {
  AUGSTORE_TRY(ValidateName(flags.name));
  if (flags.alias.empty() != (flags.version == 0)) {
    return InvalidArgument(
        "an alias is moved by NAME ALIAS VERSION (versions start at 1); NAME alone shows the "
        "history");
  }
  const StoreAccess access = flags.alias.empty() ? StoreAccess::kRead : StoreAccess::kWrite;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, access));
  Client& client = database->client();
  if (flags.alias.empty()) {
    AUGSTORE_TRY(client.Get<TransformRecord>(flags.name));
  } else {
    AUGSTORE_TRY(ValidateAlias(flags.alias));
    AUGSTORE_TRY(client.SetAlias({RecordKind::kTransform, flags.name, flags.alias, flags.version,
                                  flags.note, flags.min_r2, flags.force}));
  }
  AUGSTORE_ASSIGN(const AliasHistory history, client.Aliases(RecordKind::kTransform, flags.name));
  PrintHistory(history, flags);
  return OkStatus();
}

void AddAliasFlags(Command* command, AliasFlags* flags) {
  command->AddFlag("name", &flags->name, "The transform").Required();
  command->AddFlag("alias", &flags->alias, "The alias");
  command->AddFlag("version", &flags->version, "The version that it shall point to");
  command->AddFlag("--note", &flags->note, "Why; kept in the history");
  command
      ->AddFlag("--min-g", &flags->min_r2,
                "Refuse a version whose interval of G does not lie above this")
      .Range(-1.0, 1.0);
  command->AddFlag("--force", &flags->force,
                   "Move it all the same; the history records that it was forced");
}

}  // namespace

std::string DefaultTransformName(std::string_view op) {
  std::string name;
  for (const char c : op) {
    if (c == ',') return std::string(op);
    if (c != '(' && c != ')') name += c;
  }
  return name;
}

Json TransformJson(const NamedTransform& transform, const std::vector<std::string>& aliases) {
  const TransformRecord& record = transform.record;
  return {{"ref", transform.ref()},
          {"name", transform.name},
          {"version", transform.version},
          {"op", record.op},
          {"family", record.family},
          {"dim", record.dim},
          {"layers", LayersJson(record.layers)},
          {"multiply_adds", record.card.multiply_adds},
          {"feature_map", FeatureMapText(record.feature_map)},
          {"backbone", record.backbone.Hex()},
          {"weights", record.weights.Hex()},
          {"aliases", aliases},
          {"created_unix_s", record.created_unix_s},
          {"card", CardJson(record.card)}};
}

void AddTransformReadCommands(Command* group) {
  AddCommand<ReadFlags>(
      group, "ls", "List transforms with their measured quality",
      "augstore transform ls --store db\n\n"
      "G: the part of |z - z'|^2 that the transform explains on held-out pairs; 1: all, 0: none, "
      "< 0: worse than nothing.\n"
      "cosine: of z with z', before -> after the transform.",
      [](Command* command, ReadFlags* flags) {
        command->AddFlag("name", &flags->ref, "Only the versions of this transform");
      },
      List);
  AddCommand<ReadFlags>(
      group, "show", "Show one version: layers, lineage, card",
      "augstore transform show rotate15@champion --store db --json",
      [](Command* command, ReadFlags* flags) {
        command->AddFlag("transform", &flags->ref, "name, name@version or name@alias").Required();
      },
      Show);
  AddCommand<AliasFlags>(
      group, "alias", "Point an alias to a version; with a name alone, show every move",
      "augstore transform alias rotate15 champion 2 --note 'better on cifar10' --store db\n\n"
      "An alias moves to a version whose card shows that it is worth applying: the 95 % interval "
      "of G on held-out pairs lies above --min-g. Policies may name it: "
      "identity:1,rotate15@champion:1",
      AddAliasFlags, Alias);
  AddDeleteCommand(group, RecordKind::kTransform, "Its weights go with it.");
}

}  // namespace augstore
