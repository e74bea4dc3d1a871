#include <CLI/CLI.hpp>

#include "tools/cmd_head.h"
#include "tools/cmd_transform.h"
#include "tools/program.h"
#include "tools/version.h"

namespace augstore {
namespace {

void DescribeProgram(CLI::App* app) {
  app->description(
      "augstore stores one embedding per image and makes augmented embeddings on read.\n"
      "Most commands take --store DIR (opened here) or --connect ADDRESS (a running server).");
  app->footer(
      "Exit codes: 0 ok, 1 internal error, 2 wrong usage, 3 not found, 4 exists already or the "
      "state forbids it,\n"
      "5 unavailable, 6 damaged data, 7 a limit is reached, 8 not allowed, 130 interrupted.");
  app->set_version_flag("--version", VersionText());
  app->require_subcommand(1);
}

}  // namespace

void AddTransformCommands(CLI::App* app) {
  CLI::App* group =
      AddCommand(app, "transform", "Train, register and inspect transforms", "", nullptr);
  AddTransformTrainCommand(group);
  AddTransformConditionalCommand(group);
  AddTransformRegisterCommand(group);
  AddTransformEvalCommand(group);
  AddTransformReadCommands(group);
}

void AddHeadCommands(CLI::App* app) {
  CLI::App* group = AddCommand(app, "head", "Train, test and use classifier heads", "", nullptr);
  AddHeadTrainCommand(group);
  AddHeadFitCommand(group);
  AddHeadReadCommands(group);
  AddHeadPredictCommand(group);
}

void AddAllCommands(CLI::App* app) {
  DescribeProgram(app);
  AddBackboneCommands(app);
  AddIngestCommand(app);
  AddImportCommand(app);
  AddExportCommand(app);
  AddCollectionCommands(app);
  AddTransformCommands(app);
  AddServeCommand(app);
  AddQueryCommand(app);
  AddStreamCommand(app);
  AddHeadCommands(app);
  AddPolicyCommands(app);
  AddAdminCommands(app);
  AddDrawCommand(app);
  AddCompareCommand(app);
  AddPaperCommand(app);
  AddBenchCommand(app);
}

}  // namespace augstore
