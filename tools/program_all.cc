#include <CLI/CLI.hpp>

#include "tools/cli/program.h"
#include "tools/cli/version.h"
#include "tools/commands.h"
#include "tools/head/cmd_head.h"
#include "tools/transform/cmd_transform.h"

namespace augstore {
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
  app->set_version_flag("--version", VersionText());
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
  AddSynthCommand(app);
  AddCompareCommand(app);
  AddPaperCommand(app);
  AddBenchCommand(app);
}

}  // namespace augstore
