// augstore paper: the experiment that measures the worth of transforms, resumable, with its report.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/heads/head_trainer.h"
#include "schemas/base/files.h"
#include "tools/compare/compare_transforms.h"
#include "tools/paper/paper_report.h"
#include "tools/paper/paper_runs.h"
#include "tools/paper/paper_transforms.h"

namespace augstore {
namespace {

// The digest of everything on which cells depend: cells of an earlier run count if it is the same.
std::string Settings(const PaperFlags& flags, const PaperData& data,
                     const PaperTransforms& transforms, const std::vector<PaperRow>& rows,
                     const Digest& backbone) {
  DigestBuilder digest;
  digest.AddText("augstore paper 1").AddText(flags.arch);
  digest.AddU64(flags.steps).AddU64(flags.batch_size).AddU64(flags.checkpoints);
  digest.AddText(fmt::format("{}", flags.weight_decay));
  for (const double rate : flags.learning_rates) digest.AddText(fmt::format("{}", rate));
  for (const std::string& op : flags.ops) digest.AddText(op);
  digest.AddBytes(backbone.bytes);
  for (const std::string& name : data.classes) digest.AddText(name);
  for (const ImageItem& item : data.items) digest.AddU64(static_cast<uint64_t>(item.label));
  for (const Matrix& view : data.views) AddMatrix(view, &digest);
  for (const TestSet& set : data.tests) AddMatrix(set.embeddings, &digest.AddText(set.name));
  for (const Digest& weights : transforms.weights) digest.AddBytes(weights.bytes);
  for (const PaperRow& row : rows) digest.AddText(row.name).AddText(row.policy);
  return digest.Finish().Hex();
}

Json ToJson(const PaperCell& cell) {
  Json points = Json::array();
  for (const PaperPoint& point : cell.points) {
    points.push_back({{"lr", point.learning_rate},
                      {"epoch", point.epoch},
                      {"validation_plain", point.validation_plain},
                      {"test_plain", point.test_plain},
                      {"validation_shifted", point.validation_shifted},
                      {"test_shifted", point.test_shifted}});
  }
  return {{"row", cell.row},
          {"per_class", cell.per_class},
          {"seed", cell.seed},
          {"epochs", cell.epochs},
          {"samples", cell.samples},
          {"seconds", cell.seconds},
          {"points", std::move(points)}};
}

Result<PaperCell> PaperCellFromJson(const Json& json) {
  try {
    PaperCell cell;
    cell.row = json.at("row").get<std::string>();
    cell.per_class = json.at("per_class").get<uint32_t>();
    cell.seed = json.at("seed").get<uint64_t>();
    cell.epochs = json.at("epochs").get<uint32_t>();
    cell.samples = json.at("samples").get<uint64_t>();
    cell.seconds = json.at("seconds").get<double>();
    for (const Json& point : json.at("points")) {
      cell.points.push_back(
          {point.at("lr").get<double>(), point.at("epoch").get<uint32_t>(),
           point.at("validation_plain").get<double>(), point.at("test_plain").get<double>(),
           point.at("validation_shifted").get<double>(), point.at("test_shifted").get<double>()});
    }
    return cell;
  } catch (const Json::exception& error) {
    return InvalidArgument("this is not a cell of an experiment: {}", error.what());
  }
}

// One line per finished cell, after a line with the settings.
class CellFile {
 public:
  CellFile(std::string path, std::string settings)
      : path_(std::move(path)), settings_(std::move(settings)) {}

  // Returns the cells that an earlier run with the same settings finished. Errors:
  // kFailedPrecondition (other settings), kUnavailable.
  Result<PaperCells> Open() {
    PaperCells cells;
    std::ifstream in(path_);
    std::string line;
    if (std::getline(in, line)) {
      const Json head = Json::parse(line, nullptr, false);
      if (!head.is_object() || head.value("settings", "") != settings_) {
        return FailedPrecondition(
            "{} holds results of other settings, images or transforms: remove it, or name another "
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
    // Written again without a line that was cut off.
    std::string text = Json{{"settings", settings_}}.dump() + '\n';
    for (const PaperCell& cell : cells) text += ToJson(cell).dump() + '\n';
    AUGSTORE_TRY(WriteFileAtomically(path_, text));
    out_.open(path_, std::ios::app);
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

template <typename T>
Status RefuseTwice(std::vector<T> values, std::string_view flag) {
  std::ranges::sort(values);
  const auto twice = std::ranges::adjacent_find(values);
  if (twice == values.end()) return OkStatus();
  return InvalidArgument("{} names {} twice: once is enough", flag, *twice);
}

// Refuses wrong flags before anything is trained.
Status CheckFlags(PaperFlags* flags) {
  AUGSTORE_TRY(CheckTransformFlags(flags));
  AUGSTORE_TRY(ParseArch(flags->arch));
  AUGSTORE_TRY(RefuseTwice(flags->ops, "--ops"));
  AUGSTORE_TRY(RefuseTwice(flags->families, "--families"));
  AUGSTORE_TRY(RefuseTwice(flags->cached, "--cached"));
  AUGSTORE_TRY(RefuseTwice(flags->per_class, "--per-class"));
  AUGSTORE_TRY(RefuseTwice(flags->learning_rates, "--lr"));
  if (std::ranges::count(flags->families, "identity") == 0) return OkStatus();
  return InvalidArgument("--families: 'identity' is not a family that has a row");
}

Status Run(PaperFlags flags) {
  AUGSTORE_TRY(CheckFlags(&flags));
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error) return Unavailable("{} cannot be made: {}", flags.out, error.message());
  AUGSTORE_ASSIGN(Trials trials,
                  OpenTrials(flags.common, flags.backbone, flags.out + "/trials", true));
  AUGSTORE_ASSIGN(const PaperTransforms transforms, PreparePaperTransforms(flags, trials));
  AUGSTORE_ASSIGN(const PaperData data, PreparePaper(flags, trials));
  const std::vector<PaperRow> rows = PaperRows(flags, transforms);
  CellFile file(flags.out + "/cells.jsonl",
                Settings(flags, data, transforms, rows, trials.space().digest));
  AUGSTORE_ASSIGN(PaperCells cells, file.Open());
  AUGSTORE_TRY(RunPaper(flags, trials, data, rows, &cells,
                        [&file](const PaperCell& cell) { return file.Add(cell); }));
  AUGSTORE_ASSIGN(const std::string conditional_table,
                  CompareConditional(flags, trials, transforms.conditional));
  AUGSTORE_TRY(
      WritePaperReport(flags, transforms, data, rows, cells, trials.space(), conditional_table));
  const std::string report = flags.out + "/results.md";
  Emit(flags.common, {{"report", report}, {"cells", cells.size()}},
       fmt::format("{}: {} rows, {} cells\n", report, rows.size(), cells.size()));
  return OkStatus();
}

void AddDataFlags(Command* command, PaperFlags* flags) {
  command->AddFlag("--base", &flags->base, "Images that transforms are trained on").Required();
  command->AddFlag("--train", &flags->train, "Labelled images that heads are trained on")
      .Required();
  command
      ->AddFlag("--test", &flags->test,
                "Labelled images; a third of them chooses learning rate and length, the others "
                "are the test")
      .Required();
  command
      ->AddFlag("--limit", &flags->limit,
                "Use at most this many images of each folder, spread evenly (default: all)")
      .Positive();
  command->AddFlag("--out", &flags->out, "Folder for results.md, its plots and cells.jsonl");
  command->AddFlag("--title", &flags->title, "Heading of the report");
  command->AddFlag("--ops", &flags->ops,
                   "The ops of the policy, each with the weight of the identity; the shifted test "
                   "is the mean over them. --ops again for each");
  command->AddFlag("--families", &flags->families, "Families of transforms, a row each").Commas();
  AddLastBlocksFlags(command, &flags->last_blocks);
  command->AddFlag("--conditional", &flags->conditional,
                   "A conditional transform that does the ops, trained before on other images than "
                   "those of --test; '' for none");
}

void AddTrainingFlags(Command* command, PaperFlags* flags) {
  command->AddFlag("--cached", &flags->cached, "Numbers of cached real views, a row each")
      .Positive();
  command->AddFlag("--per-class", &flags->per_class, "Numbers of training images of each class")
      .Positive();
  command->AddFlag("--lr", &flags->learning_rates, "Learning rates, chosen by validation");
  command->AddFlag("--weight-decay", &flags->weight_decay, "Weight decay");
  command->AddFlag("--seeds", &flags->seeds, "Seeds of images, order, draws and weights")
      .Range(1u, 1000u);
  command->AddFlag("--steps", &flags->steps, "Optimizer steps of every head, at least")
      .Range(1u, 1u << 20);
  command->AddFlag("--batch-size", &flags->batch_size, "Samples of one step").Range(1u, 65536u);
  command
      ->AddFlag("--checkpoints", &flags->checkpoints,
                "Lengths of training that validation chooses from")
      .Range(1u, 100u);
  command->AddFlag("--arch", &flags->arch, "linear, or mlp(<widths>)");
}

void AddFlags(Command* command, PaperFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  AddDataFlags(command, flags);
  AddTrainingFlags(command, flags);
}

}  // namespace

void AddPaperCommand(Command* app) {
  AddCommand<PaperFlags>(
      app, "paper",
      "Compare all ways of augmenting in one experiment: accuracies, gap closed, cost",
      "augstore paper --store db --backbone backbone.pt --base base --train cifar10/train --test "
      "cifar10/test --out results\n\n"
      "Ended at any point, the same command goes on. tools/reproduce runs it as docs/results.md "
      "shows.",
      AddFlags, Run);
}

}  // namespace augstore
