// Every command of the programs; each is defined in its group's room.
#ifndef AUGSTORE_TOOLS_COMMANDS_H_
#define AUGSTORE_TOOLS_COMMANDS_H_

namespace CLI {
class App;
}

namespace augstore {

// The subcommands, each in its file.
void AddBackboneCommands(CLI::App* app);
void AddIngestCommand(CLI::App* app);
void AddImportCommand(CLI::App* app);
void AddExportCommand(CLI::App* app);
void AddCollectionCommands(CLI::App* app);
void AddTransformCommands(CLI::App* app);
void AddServeCommand(CLI::App* app);
void AddQueryCommand(CLI::App* app);
void AddStreamCommand(CLI::App* app);
void AddHeadCommands(CLI::App* app);
void AddPolicyCommands(CLI::App* app);
void AddAdminCommands(CLI::App* app);
void AddSynthCommand(CLI::App* app);
void AddCompareCommand(CLI::App* app);
void AddPaperCommand(CLI::App* app);
void AddBenchCommand(CLI::App* app);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMMANDS_H_
