// augstore backbone add | ls
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
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
          {"source", record.source}};
}

std::string InputText(const BackboneRecord& record) {
  if (record.input_width == 0) return "imported";
  return fmt::format("{}x{}", record.input_width, record.input_height);
}

struct AddFlags {
  CommonFlags common;
  BackboneFlags backbone;
};

Status Add(const AddFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, StoreAccess::kCreate));
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  const BackboneRecord& record = backbone->record();
  Emit(flags.common, ToJson(backbone->ref(), record),
       fmt::format("{}: input {}, dim {}, feature map {}, {} multiply-adds per image, digest {}\n",
                   backbone->ref(), InputText(record), record.dim,
                   FeatureMapText(record.feature_map), record.multiply_adds, record.digest.Hex()));
  return OkStatus();
}

Status List(const CommonFlags& common, Client& client) {
  AUGSTORE_ASSIGN(const auto records, client.List<BackboneRecord>());
  Json list = Json::array();
  Table table({"backbone", "input", "dim", "feature map", "multiply-adds", "digest"});
  for (const auto& entry : records) {
    list.push_back(ToJson(entry.ref(), entry.record));
    table.Row({entry.ref(), InputText(entry.record), std::to_string(entry.record.dim),
               FeatureMapText(entry.record.feature_map), std::to_string(entry.record.multiply_adds),
               entry.record.digest.Hex().substr(0, 16)});
  }
  Emit(common, {{"backbones", list}}, table.ToString());
  return OkStatus();
}

}  // namespace

void AddBackboneCommands(Command* app) {
  Command* group = app->AddGroup("backbone", "Register and list backbones");
  AddCommand<AddFlags>(
      group, "add", "Record a TorchScript backbone: digest, input size, dimension",
      "augstore backbone add --store db --backbone resnet.pt --resize 224 "
      "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
      [](Command* command, AddFlags* flags) { AddBackboneFlags(command, &flags->backbone); }, Add);
  AddCommand(group, "ls", "List the registered backbones", "augstore backbone ls --store db", List);
}

}  // namespace augstore
