// augstore lineage sample | transform | head: what a record was made of, and what was made of it.
#include <nlohmann/json.hpp>

#include "schemas/base/names.h"
#include "schemas/records/lineage.h"
#include "tools/cli/command.h"
#include "tools/cli/record_text.h"
#include "tools/serve/sample_erasure.h"

namespace augstore {
namespace {

struct RefFlags {
  CommonFlags common;
  std::string ref;
};

struct Uses {
  Json json = Json::array();
  std::string text;
};

// The heads that were made of a record.
Result<Uses> FindUses(Client& client, RecordKind kind, const std::string& ref) {
  Uses uses;
  AUGSTORE_ASSIGN(const auto heads, client.List<HeadRecord>());
  for (const auto& head : heads) {
    const std::string use = UseOf(head.record.lineage, kind, ref);
    if (use.empty()) continue;
    uses.json.push_back({{"head", head.ref()}, {"use", use}});
    uses.text += fmt::format("  head {} {}\n", head.ref(), use);
  }
  if (uses.text.empty()) uses.text = "  no head\n";
  return uses;
}

// Whether a record that a lineage names is still there.
template <typename Record>
Result<bool> Exists(Client& client, const std::string& ref) {
  const auto found = client.Get<Record>(ref);
  if (found.status().code() == Code::kNotFound) return false;
  AUGSTORE_TRY(found);
  return true;
}

std::string Presence(bool exists) { return exists ? "" : " (deleted)"; }

Status OfTransform(const RefFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto transform, client.Get<TransformRecord>(flags.ref));
  AUGSTORE_ASSIGN(const Uses uses, FindUses(client, RecordKind::kTransform, transform.ref()));
  AUGSTORE_ASSIGN(const AliasHistory history,
                  client.Aliases(RecordKind::kTransform, transform.name));
  const auto aliases = AliasesOf(history, transform.version);
  Emit(flags.common,
       {{"transform", transform.ref()},
        {"op", transform.record.op},
        {"backbone", transform.record.backbone.Hex()},
        {"train_pairs", transform.record.card.train_pairs},
        {"aliases", aliases},
        {"used_by", uses.json}},
       fmt::format("{}: {} for embeddings of backbone {}, trained on {} pairs\naliases: {}\n"
                   "made of it:\n{}",
                   transform.ref(),
                   transform.record.op.empty() ? "an unknown op" : transform.record.op,
                   BackboneName(client, transform.record.backbone),
                   transform.record.card.train_pairs, ListText(aliases, "none"), uses.text));
  return OkStatus();
}

Status OfHead(const RefFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto head, client.Get<HeadRecord>(flags.ref));
  const HeadLineage& lineage = head.record.lineage;
  const std::string& collection = lineage.stream.collection;
  AUGSTORE_ASSIGN(const bool has_collection, Exists<CollectionRecord>(client, collection));
  Json json = {{"head", head.ref()},
               {"collection",
                {{"ref", collection},
                 {"digest", lineage.collection_digest.Hex()},
                 {"exists", has_collection}}}};
  std::string text = fmt::format("{} was trained on {}{}, content {}\n", head.ref(), collection,
                                 Presence(has_collection), lineage.collection_digest.Hex());
  json["transforms"] = Json::array();
  for (const std::string& ref : TransformsOf(lineage.stream.policy)) {
    AUGSTORE_ASSIGN(const bool exists, Exists<TransformRecord>(client, ref));
    json["transforms"].push_back({{"ref", ref}, {"exists", exists}});
    text += fmt::format("  with {}{}\n", ref, Presence(exists));
  }
  json["init"] = lineage.init;
  if (!lineage.init.empty()) {
    AUGSTORE_ASSIGN(const bool exists, Exists<HeadRecord>(client, lineage.init));
    text += fmt::format("  from head {}{}\n", lineage.init, Presence(exists));
  }
  AUGSTORE_ASSIGN(const Uses uses, FindUses(client, RecordKind::kHead, head.ref()));
  json["used_by"] = uses.json;
  Emit(flags.common, json, text + "made of it:\n" + uses.text);
  return OkStatus();
}

Status OfSample(const SampleFlags& flags, Client& client) {
  SampleFlags asked = flags;
  asked.target.preview = true;
  AUGSTORE_ASSIGN(const ErasureStep step, RunErasure(client, asked));
  Json json = ErasureJson(step);
  json.erase("applied");
  Emit(flags.common, json, ErasureText(step));
  return OkStatus();
}

}  // namespace

void AddLineageCommands(Command* app) {
  Command* group =
      app->AddGroup("lineage", "Show what records were made of, and what was made of them");
  AddCommand<SampleFlags>(
      group, "sample", "Show what has a sample's image, and which heads were trained on it",
      "augstore lineage sample cifar10@2 --key cat/001.png --store db", AddSampleFlags, OfSample);
  AddCommand<RefFlags>(
      group, "transform", "Show which heads were trained with a transform",
      "augstore lineage transform hflip@2 --store db",
      [](Command* command, RefFlags* flags) {
        command->AddFlag("transform", &flags->ref, "name, name@version or name@alias").Required();
      },
      OfTransform);
  AddCommand<RefFlags>(
      group, "head", "Show what a head was trained on, with and from",
      "augstore lineage head cifar10@3 --store db",
      [](Command* command, RefFlags* flags) {
        command->AddFlag("head", &flags->ref, "name, name@version or name@alias").Required();
      },
      OfHead);
}

}  // namespace augstore
