#include <CLI/CLI.hpp>

#include "tools/cmd_head.h"
#include "tools/cmd_transform.h"
#include "tools/program.h"
#include "tools/version.h"

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
  AddDrawCommand(app);
  AddCompareCommand(app);
  AddPaperCommand(app);
  AddBenchCommand(app);
}

}  // namespace augstore
