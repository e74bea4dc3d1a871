// augstore paper: the experiment that tells what transforms are worth, resumable, with its report.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "schemas/digest.h"
#include "schemas/files.h"
#include "tools/paper.h"
#include "tools/progress.h"

namespace augstore {
namespace {

// What must be the same for cells of an earlier run to count.
std::string Settings(const PaperFlags& flags, const PaperData& data,
                     const std::vector<PaperRow>& rows) {
  DigestBuilder digest;
  digest.AddText("augstore paper 1").AddText(flags.arch);
  digest.AddU64(flags.steps).AddU64(flags.batch_size).AddU64(flags.checkpoints);
  digest.AddText(fmt::format("{}", flags.weight_decay));
  for (const double rate : flags.learning_rates) digest.AddText(fmt::format("{}", rate));
  for (const std::string& op : flags.ops) digest.AddText(op);
  for (const TestSet& set : data.tests) digest.AddText(set.name).AddU64(set.labels.size());
  digest.AddU64(data.items.size());
  for (const PaperRow& row : rows) digest.AddText(row.name).AddText(row.policy);
  return digest.Finish().Hex();
}

// One line per finished cell, after a line with the settings.
class CellFile {
 public:
  CellFile(std::string path, std::string settings)
      : path_(std::move(path)), settings_(std::move(settings)) {}

  // The cells that an earlier run with the same settings finished.
  Result<PaperCells> Open() {
    PaperCells cells;
    std::ifstream in(path_);
    std::string line;
    if (std::getline(in, line)) {
      if (Json::parse(line, nullptr, false).value("settings", "") != settings_) {
        return FailedPrecondition(
            "{} holds results of other settings, images or transforms: remove it, or give another "
            "--out",
            path_);
      }
      while (std::getline(in, line)) {
        const Json json = Json::parse(line, nullptr, false);
        if (json.is_discarded()) break;  // the line that was being written when the run ended
        AUGSTORE_ASSIGN(PaperCell cell, PaperCellFromJson(json));
        cells.push_back(std::move(cell));
      }
    }
    in.close();
    out_.open(path_, std::ios::trunc);
    out_ << Json{{"settings", settings_}}.dump() << '\n';
    for (const PaperCell& cell : cells) AUGSTORE_TRY(Add(cell));
    return cells;
  }

  Status Add(const PaperCell& cell) {
    out_ << ToJson(cell).dump() << std::endl;
    return out_ ? OkStatus() : Unavailable("{} cannot be written: make room on its device", path_);
  }

 private:
  std::string path_;
  std::string settings_;
  std::ofstream out_;
};

Status Run(const PaperFlags& flags) {
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error) return Unavailable("{} cannot be made: {}", flags.out, error.message());
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, true));
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  AUGSTORE_ASSIGN(const PaperTransforms transforms,
                  PreparePaperTransforms(flags, *database, *backbone));
  AUGSTORE_ASSIGN(const PaperData data, PreparePaper(flags, *database, *backbone));
  const std::vector<PaperRow> rows = PaperRows(flags, transforms);
  CellFile file(flags.out + "/cells.jsonl", Settings(flags, data, rows));
  AUGSTORE_ASSIGN(PaperCells cells, file.Open());
  AUGSTORE_TRY(RunPaper(flags, *database, *backbone, data, rows, &cells,
                        [&file](const PaperCell& cell) { return file.Add(cell); }));
  std::string conditional_table;
  if (!transforms.conditional.empty()) {
    AUGSTORE_ASSIGN(conditional_table,
                    CompareConditional(flags, *database, *backbone, transforms.conditional));
  }
  AUGSTORE_TRY(WritePaperReport(flags, transforms, data, rows, cells, backbone->record(),
                                conditional_table));
  if (flags.common.json) {
    PrintJson({{"report", flags.out + "/results.md"}, {"cells", cells.size()}});
  } else {
    fmt::print("{}/results.md: {} rows, {} cells\n", flags.out, rows.size(), cells.size());
  }
  return OkStatus();
}

void AddDataFlags(CLI::App* command, PaperFlags* flags) {
  command->add_option("--base", flags->base, "Images that transforms are trained on")->required();
  command->add_option("--train", flags->train, "Labelled images that heads are trained on")
      ->required();
  command
      ->add_option("--test", flags->test,
                   "Labelled images; a third of them chooses learning rate and length, the others "
                   "are the test")
      ->required();
  command->add_option("--out", flags->out, "Folder for results.md, its plots and cells.jsonl")
      ->capture_default_str();
  command->add_option("--title", flags->title, "Heading of the report")->capture_default_str();
  command
      ->add_option("--ops", flags->ops,
                   "The ops of the policy, each with the weight of the identity; the shifted test "
                   "is the mean over them. --ops again for each")
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--families", flags->families, "Families of transforms, a row each")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command
      ->add_option("--conditional", flags->conditional,
                   "Ops of the conditional transform (train it before), or '' for none")
      ->capture_default_str();
}

void AddTrainingFlags(CLI::App* command, PaperFlags* flags) {
  command->add_option("--cached", flags->cached, "Numbers of cached real views, a row each")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--per-class", flags->per_class, "Numbers of training images of each class")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--lr", flags->learning_rates, "Learning rates, chosen by validation")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--weight-decay", flags->weight_decay, "Weight decay")->capture_default_str();
  command->add_option("--seeds", flags->seeds, "Seeds of images, order, draws and weights")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  command->add_option("--steps", flags->steps, "Optimizer steps of every head, at least")
      ->check(CLI::Range(1u, 1u << 20))
      ->capture_default_str();
  command->add_option("--batch-size", flags->batch_size, "Samples of one step")
      ->check(CLI::Range(1u, 65536u))
      ->capture_default_str();
  command
      ->add_option("--checkpoints", flags->checkpoints,
                   "Lengths of training that validation chooses from")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  command->add_option("--arch", flags->arch, "linear, or mlp(<widths>)")->capture_default_str();
}

}  // namespace

void AddPaperCommand(CLI::App* app) {
  auto flags = std::make_shared<PaperFlags>();
  CLI::App* command = AddCommand(
      app, "paper",
      "Compare all ways of augmenting in one experiment: accuracies, gap closed, cost",
      "augstore paper --store db --backbone backbone.pt --base base --train cifar10/train --test "
      "cifar10/test --out results\n\n"
      "Ended at any point, the same command goes on. tools/paper runs it as docs/results.md shows.",
      [flags] { return Run(*flags); });
  AddCommonFlags(command, &flags->common);
  AddBackboneFlags(command, &flags->backbone);
  AddDataFlags(command, flags.get());
  AddTrainingFlags(command, flags.get());
}

}  // namespace augstore
