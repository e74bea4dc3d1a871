#include <CLI/CLI.hpp>

#include "tools/cli/program.h"
#include "tools/commands.h"
#include "tools/head/cmd_head.h"
#include "tools/transform/cmd_transform.h"

namespace augstore {

void AddLightCommands(CLI::App* app) {
  DescribeProgram(app);
  app->set_version_flag("--version", "augstore " AUGSTORE_VERSION);
  AddImportCommand(app);
  AddExportCommand(app);
  AddCollectionCommands(app);
  AddServeCommand(app);
  AddQueryCommand(app);
  AddStreamCommand(app);
  AddAdminCommands(app);
  // What these groups have beside it is in `augstore-torch`.
  AddTransformReadCommands(AddCommand(app, "transform", "Inspect transforms", "", nullptr));
  AddHeadReadCommands(AddCommand(app, "head", "Inspect and test classifier heads", "", nullptr));
}

}  // namespace augstore
