// augstore compare: is augmentation in embedding space worth it on these images?
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/heads/head_trainer.h"
#include "schemas/base/files.h"
#include "tools/collection/phi_cost.h"
#include "tools/compare/compare_data.h"
#include "tools/compare/compare_report.h"
#include "tools/compare/compare_runs.h"
#include "tools/compare/compare_transforms.h"

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

Status Compare(CompareFlags flags) {
  AUGSTORE_TRY(CheckTransformFlags(&flags));
  AUGSTORE_TRY(ParseArch(flags.arch));
  if (flags.ops.empty() || flags.families.empty() || flags.seeds == 0 || flags.epochs == 0) {
    return InvalidArgument("--ops, --families, --seeds and --epochs must not be empty or 0");
  }
  AUGSTORE_ASSIGN(Trials trials, OpenTrials(flags.common, flags.backbone,
                                            flags.dry_run ? "" : flags.work, !flags.dry_run));
  AUGSTORE_ASSIGN(const CompareImages images, SelectImages(flags));
  const auto announce = [&] {
    return AnnouncePhiCost(
        *trials.backbone, images.all.items,
        ComparePhiCalls(flags, images.train.size(), images.base.size(), images.test.size()));
  };
  if (flags.dry_run) return announce();
  // What cannot be announced is reported where it matters: an unreadable image is skipped there.
  if (!flags.common.quiet) static_cast<void>(announce());
  AUGSTORE_ASSIGN(const CompareData data, PrepareData(flags, images, trials));
  AUGSTORE_ASSIGN(auto transforms, PrepareTransforms(flags, trials, images.base, images.test));
  AUGSTORE_ASSIGN(const CompareResult result,
                  RunCompare(flags, trials, data, std::move(transforms)));
  AUGSTORE_TRY(WriteReport(flags, result));
  Emit(flags.common, CompareJson(result), CompareText(result));
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
  command
      ->AddFlag("--ops", &flags->ops,
                "Ops to augment by, separated by commas (default: vflip,rotate(15))")
      .Commas();
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
