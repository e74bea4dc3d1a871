// augstore backbone add | ls | show
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"
#include "tools/collection/embedder.h"

namespace augstore {
namespace {

Json ToJson(const std::string& ref, const BackboneRecord& record) {
  return {{"ref", ref},
          {"digest", record.digest.Hex()},
          {"dim", record.dim},
          {"input_height", record.input_height},
          {"input_width", record.input_width},
          {"mean", record.mean},
          {"std", record.stddev},
          {"multiply_adds", record.multiply_adds},
          {"feature_map", FeatureMapText(record.feature_map)},
          {"normalised", record.normalised},
          {"way",
           {{"form", BackboneFormName(record.way.form)},
            {"channels_last", record.way.channels_last},
            {"batch", record.way.batch},
            {"images_per_cpu_second", record.way.images_per_second},
            {"slot_difference", record.way.slot_difference}}},
          {"source", record.source}};
}

std::string InputText(const BackboneRecord& record) {
  if (record.input_width == 0) return "imported";
  return fmt::format("{}x{}", record.input_width, record.input_height);
}

std::string Text(const std::string& ref, const BackboneRecord& record) {
  std::string text =
      fmt::format("{}: input {}, dim {}{}, feature map {}, {} multiply-adds per image, digest {}\n",
                  ref, InputText(record), record.dim, record.normalised ? " (normalised)" : "",
                  FeatureMapText(record.feature_map), record.multiply_adds, record.digest.Hex());
  const BackboneWay& way = record.way;
  if (way.empty()) return text;
  text += fmt::format("it runs {}: {} images per second of CPU time\n", way.ToString(),
                      HumanCount(way.images_per_second));
  if (way.slot_difference > 0) {
    text += fmt::format(
        "an embedding may differ by {:.1g} of the embeddings' standard deviation by its slot in a "
        "batch\n",
        way.slot_difference);
  }
  return text;
}

struct AddFlags {
  CommonFlags common;
  BackboneFlags backbone;
};

Status Add(const AddFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  AUGSTORE_ASSIGN(const auto backbone,
                  LazyBackbone::Open(flags.backbone, database->client(), !flags.common.quiet));
  const BackboneRecord& record = backbone->record();
  Emit(flags.common, ToJson(backbone->ref(), record), Text(backbone->ref(), record));
  return OkStatus();
}

struct ShowFlags {
  CommonFlags common;
  std::string ref;
};

Status Show(const ShowFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const auto backbone, client.Get<BackboneRecord>(flags.ref));
  Emit(flags.common, ToJson(backbone.ref(), backbone.record),
       Text(backbone.ref(), backbone.record));
  return OkStatus();
}

Status List(const CommonFlags& common, Client& client) {
  AUGSTORE_ASSIGN(const auto records, client.List<BackboneRecord>());
  Json list = Json::array();
  Table table(
      {"backbone", "input", "dim", "feature map", "multiply-adds", "way", "images/s", "digest"});
  for (const auto& entry : records) {
    list.push_back(ToJson(entry.ref(), entry.record));
    table.Row({entry.ref(), InputText(entry.record), std::to_string(entry.record.dim),
               FeatureMapText(entry.record.feature_map), std::to_string(entry.record.multiply_adds),
               entry.record.way.ToString(), HumanCount(entry.record.way.images_per_second),
               entry.record.digest.Hex().substr(0, 16)});
  }
  Emit(common, {{"backbones", list}}, table.ToString());
  return OkStatus();
}

}  // namespace

void AddBackboneCommands(Command* app) {
  Command* group = app->AddGroup("backbone", "Register, list and show backbones");
  AddCommand<AddFlags>(
      group, "add",
      "Record a TorchScript backbone: digest, input size, dimension, and the fastest way to run it",
      "augstore backbone add --store db --backbone resnet.pt --resize 224 "
      "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
      [](Command* command, AddFlags* flags) { AddBackboneFlags(command, &flags->backbone); }, Add);
  AddCommand(group, "ls", "List the registered backbones", "augstore backbone ls --store db", List);
  AddCommand<ShowFlags>(
      group, "show", "What is known of a backbone, and how it is run",
      "augstore backbone show resnet --store db",
      [](Command* command, ShowFlags* flags) {
        command->AddFlag("backbone", &flags->ref, "Name or name@version").Required();
      },
      Show);
}

}  // namespace augstore
