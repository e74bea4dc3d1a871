// augstore compare: is augmentation in embedding space worth it on these images?
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/fitting/families.h"
#include "engine/heads/head_trainer.h"
#include "schemas/base/files.h"
#include "tools/compare/compare_cost.h"
#include "tools/compare/compare_data.h"
#include "tools/compare/compare_runs.h"
#include "tools/compare/compare_table.h"
#include "tools/compare/compare_transforms.h"
#include "tools/compare/report_html.h"

namespace augstore {
namespace {

Status WriteReport(const CompareFlags& flags, const CompareResult& result) {
  for (const std::string& path : {flags.report, flags.out}) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error) return Unavailable("folder {} cannot be made: {}", folder.string(), error.message());
  }
  if (!flags.report.empty()) AUGSTORE_TRY(WriteFileAtomically(flags.report, CompareHtml(result)));
  if (!flags.out.empty())
    AUGSTORE_TRY(WriteFileAtomically(flags.out, CompareJson(result).dump(2) + "\n"));
  return OkStatus();
}

Status Check(const CompareFlags& flags) {
  for (const std::string& op : flags.ops) AUGSTORE_TRY(ImageOp::Parse(op));
  AUGSTORE_TRY(ParseArch(flags.arch));
  if (flags.ops.empty() || flags.families.empty() || flags.seeds == 0 || flags.epochs == 0) {
    return InvalidArgument("--ops, --families, --seeds and --epochs must not be empty or 0");
  }
  for (const std::string& family : flags.families) {
    if (family == kAutoFamily) continue;
    if (FindFamily(family) == nullptr) {
      return InvalidArgument("--families: there is no family '{}'; there are auto, {}", family,
                             FamilyNames([](const Family&) { return true; }));
    }
    if (FamilyNeedsLastBlocks(family) && flags.last_blocks.file.empty()) {
      return InvalidArgument(
          "--families {} starts at the backbone's last blocks: name their file "
          "with --last-blocks",
          family);
    }
  }
  return OkStatus();
}

// Splits at commas, but not within the parentheses of an op.
std::vector<std::string> SplitOps(const std::string& text) {
  std::vector<std::string> ops(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0)
      ops.emplace_back();
    else if (c != ' ')
      ops.back() += c;
  }
  return ops;
}

Status Compare(const CompareFlags& flags) {
  AUGSTORE_TRY(Check(flags));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common, !flags.dry_run));
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags.backbone, database->client()));
  if (flags.dry_run) return AnnounceCompare(flags, *backbone);
  // What cannot be announced is reported where it matters: an unreadable image is skipped there.
  if (!flags.common.quiet) static_cast<void>(AnnounceCompare(flags, *backbone));
  AUGSTORE_ASSIGN(const auto trials, Trials::Open(flags.work, *backbone));
  AUGSTORE_ASSIGN(CompareData data, PrepareData(flags, *database, *backbone, *trials));
  AUGSTORE_ASSIGN(auto transforms,
                  PrepareTransforms(flags, *database, *backbone, *trials, data.base, data.test));
  AUGSTORE_ASSIGN(const CompareResult result,
                  RunCompare(flags, *trials, *backbone, data, std::move(transforms)));
  AUGSTORE_TRY(WriteReport(flags, result));
  if (flags.common.json)
    PrintJson(CompareJson(result));
  else
    fmt::print("{}", CompareText(result));
  if (!flags.report.empty()) std::fprintf(stderr, "report: %s\n", flags.report.c_str());
  return OkStatus();
}

void AddFlags(Command* command, CompareFlags* flags) {
  AddBackboneFlags(command, &flags->backbone);
  command->AddFlag("--train", &flags->train, "Labelled images to train heads on").Required();
  command->AddFlag("--test", &flags->test, "Labelled images to test heads on").Required();
  command->AddFlag("--base", &flags->base,
                   "Images to train transforms on (default: those of --train, all of them)");
  command->AddFlag("--work", &flags->work,
                   "Folder that keeps the fitted transforms for the next run (default: none)");
  const auto set_ops = [flags](const std::string& text) {
    flags->ops = SplitOps(text);
    return OkStatus();
  };
  command->AddFlag("--ops", set_ops,
                   "Ops to augment by, separated by commas (default: vflip,rotate(15))");
  AddLastBlocksFlags(command, &flags->last_blocks);
  command->AddFlag("--families", &flags->families, "Families of transforms").Commas();
  command->AddFlag("--joint", &flags->joint,
                   "One policy with all ops, instead of one policy per op");
  command->AddFlag("--per-class", &flags->per_class, "Training images of each class; 0: all");
  command->AddFlag("--test-limit", &flags->test_limit, "Test images; 0: all");
  command->AddFlag("--base-limit", &flags->base_limit, "Images for transforms; 0: all");
  command->AddFlag("--seeds", &flags->seeds, "Heads per row");
  command->AddFlag("--epochs", &flags->epochs, "Epochs of every head");
  command->AddFlag("--batch-size", &flags->batch_size, "Rows of one batch");
  command->AddFlag("--arch", &flags->arch, "linear, or mlp(widths)");
  command->AddFlag("--lr", &flags->learning_rate, "Learning rate");
  command->AddFlag("--weight-decay", &flags->weight_decay, "Weight decay");
  command->AddFlag("--no-pixel", &flags->no_pixel,
                   "Leave out pixel space (it runs Φ on every image of every epoch)");
  command->AddFlag("--dry-run", &flags->dry_run,
                   "Print how many Φ calls this takes and about how long, and stop");
  command->AddFlag("--report", &flags->report, "Write an HTML page with tables and plots");
  command->AddFlag("--out", &flags->out, "Write the result as JSON");
}

}  // namespace

void AddCompareCommand(Command* app) {
  AddCommand<CompareFlags>(
      app, "compare",
      "Train heads with no augmentation, in embedding space and in pixel space, and compare",
      "augstore compare --store db --backbone backbone.pt --train cifar10/train --test "
      "cifar10/test --base photos \\\n"
      "      --ops 'vflip,rotate(15)' --families affine,paper_mlp --seeds 3 --report "
      "report.html\n\nOps:\n" +
          ImageOp::Help(),
      AddFlags, Compare);
}

}  // namespace augstore
