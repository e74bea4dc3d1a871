// augstore completion: what a shell needs to complete command lines.
#include <cstdio>
#include <memory>

#include "tools/cli/command.h"
#include "tools/commands.h"
#include "tools/flags/completion.h"

namespace augstore {

void AddCompletionCommand(Command* app) {
  const auto shell = std::make_shared<std::string>();
  Command* const command = app->Add(
      "completion", "Print a script by which a shell completes augstore's commands and flags",
      "Example:\n  augstore completion bash > /etc/bash_completion.d/augstore\n"
      "  augstore completion zsh > ~/.zfunc/_augstore\n"
      "  augstore completion fish > ~/.config/fish/completions/augstore.fish",
      [app, shell]() -> Status {
        AUGSTORE_ASSIGN(const std::string script, CompletionScript(*app, *shell));
        std::fputs(script.c_str(), stdout);
        return OkStatus();
      });
  command->AddFlag("shell", shell.get(), "The shell").Choices({"bash", "zsh", "fish"}).Required();
}

}  // namespace augstore
