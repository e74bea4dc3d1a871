// The commands of the programs. Each Add…Command is defined in the cmd_*.cc of its group's room.
#ifndef AUGSTORE_TOOLS_COMMANDS_H_
#define AUGSTORE_TOOLS_COMMANDS_H_

#include "tools/flags/flags.h"

namespace augstore {

void AddBackboneCommands(Command* app);
void AddIngestCommand(Command* app);
void AddImportCommand(Command* app);
void AddExportCommand(Command* app);
void AddCollectionCommands(Command* app);
void AddTransformTrainCommand(Command* group);
void AddTransformConditionalCommand(Command* group);
void AddTransformRegisterCommand(Command* group);
void AddTransformEvalCommand(Command* group);
void AddTransformPairsCommands(Command* group);
void AddTransformReadCommands(Command* group);  // ls, show, alias
void AddServeCommand(Command* app);
void AddQueryCommand(Command* app);
void AddViewAddCommand(Command* group);
void AddViewReadCommands(Command* group);
void AddStreamCommand(Command* app);
void AddHeadTrainCommand(Command* group);
void AddHeadFitCommand(Command* group);
void AddHeadReadCommands(Command* group);  // ls, show, eval
void AddHeadPredictCommand(Command* group);
void AddPolicyCommands(Command* app);
void AddPlanCommand(Command* app);
void AddAdminCommands(Command* app);
void AddTopCommand(Command* app);
void AddConfigCommands(Command* app);
void AddGcCommand(Command* app);
void AddLineageCommands(Command* app);
void AddSampleCommands(Command* app);
void AddKeyCommands(Command* app);
void AddBackupCommands(Command* app);
void AddAuditCommand(Command* app);
void AddSynthCommand(Command* app);
void AddCompareCommand(Command* app);
void AddPaperCommand(Command* app);
void AddBenchCommand(Command* app);
void AddCompletionCommand(Command* app);  // of all commands, so of the program that has them

enum class Needs { kNothing, kTorch };  // kTorch: LibTorch or OpenCV's decoders

// A row of the table of commands.
template <void (*kAdd)(Command*), Needs kNeeds>
struct CommandRow {
  // A program without LibTorch must not even mention what needs it, or it would be linked.
  template <bool kTorch>
  static void AddTo(Command* parent) {
    if constexpr (kTorch || kNeeds == Needs::kNothing) kAdd(parent);
  }
};
template <typename... Rows>
struct CommandTable {
  template <bool kTorch>
  static void AddTo(Command* parent) {
    (Rows::template AddTo<kTorch>(parent), ...);
  }
};

// A group of commands below `app`, in the order of --help.
template <bool kTorch>
void AddTransformGroup(Command* app) {
  CommandTable<CommandRow<AddTransformTrainCommand, Needs::kTorch>,
               CommandRow<AddTransformConditionalCommand, Needs::kTorch>,
               CommandRow<AddTransformRegisterCommand, Needs::kTorch>,
               CommandRow<AddTransformEvalCommand, Needs::kTorch>,
               CommandRow<AddTransformPairsCommands, Needs::kTorch>,
               CommandRow<AddTransformReadCommands, Needs::kNothing>>::
      AddTo<kTorch>(app->AddGroup("transform", "Train, register and inspect transforms"));
}
template <bool kTorch>
void AddViewGroup(Command* app) {
  CommandTable<CommandRow<AddViewAddCommand, Needs::kTorch>,
               CommandRow<AddViewReadCommands, Needs::kNothing>>::
      AddTo<kTorch>(app->AddGroup("view", "Store views of a collection's images, and list them"));
}
template <bool kTorch>
void AddHeadGroup(Command* app) {
  CommandTable<CommandRow<AddHeadTrainCommand, Needs::kTorch>,
               CommandRow<AddHeadFitCommand, Needs::kTorch>,
               CommandRow<AddHeadReadCommands, Needs::kNothing>,
               CommandRow<AddHeadPredictCommand, Needs::kTorch>>::
      AddTo<kTorch>(app->AddGroup("head", "Train, test and use classifier heads"));
}

// Adds every command (kTorch), or those that run without LibTorch, in the order of --help.
template <bool kTorch>
void AddCommands(Command* app) {
  CommandTable<
      CommandRow<AddBackboneCommands, Needs::kTorch>, CommandRow<AddIngestCommand, Needs::kTorch>,
      CommandRow<AddImportCommand, Needs::kNothing>, CommandRow<AddExportCommand, Needs::kNothing>,
      CommandRow<AddCollectionCommands, Needs::kNothing>,
      CommandRow<AddViewGroup<kTorch>, Needs::kNothing>,
      CommandRow<AddTransformGroup<kTorch>, Needs::kNothing>,
      CommandRow<AddServeCommand, Needs::kNothing>, CommandRow<AddQueryCommand, Needs::kNothing>,
      CommandRow<AddStreamCommand, Needs::kNothing>,
      CommandRow<AddHeadGroup<kTorch>, Needs::kNothing>,
      CommandRow<AddPolicyCommands, Needs::kTorch>, CommandRow<AddPlanCommand, Needs::kTorch>,
      CommandRow<AddAdminCommands, Needs::kNothing>, CommandRow<AddTopCommand, Needs::kNothing>,
      CommandRow<AddConfigCommands, Needs::kNothing>, CommandRow<AddGcCommand, Needs::kNothing>,
      CommandRow<AddLineageCommands, Needs::kNothing>,
      CommandRow<AddSampleCommands, Needs::kNothing>, CommandRow<AddKeyCommands, Needs::kNothing>,
      CommandRow<AddBackupCommands, Needs::kNothing>, CommandRow<AddAuditCommand, Needs::kNothing>,
      CommandRow<AddSynthCommand, Needs::kTorch>, CommandRow<AddCompareCommand, Needs::kTorch>,
      CommandRow<AddPaperCommand, Needs::kTorch>, CommandRow<AddBenchCommand, Needs::kTorch>,
      CommandRow<AddCompletionCommand, Needs::kTorch>>::template AddTo<kTorch>(app);
}

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMMANDS_H_
