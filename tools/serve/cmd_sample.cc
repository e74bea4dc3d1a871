// augstore sample erase: takes one image out of a store.
#include "tools/serve/sample_erasure.h"

namespace augstore {
namespace {

struct EraseFlags : SampleFlags {
  bool apply = false;
};

Status Erase(const EraseFlags& flags) {
  EraseFlags asked = flags;
  asked.target.preview = !flags.apply;
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.apply ? StoreAccess::kWrite : StoreAccess::kRead));
  AUGSTORE_ASSIGN(const ErasureStep step, RunErasure(database->client(), asked));
  std::string text = ErasureText(step);
  if (step.applied) {
    text +=
        "erased: a version without the image replaces the latest of each collection, and its "
        "aliases moved there\nheads stay, and backups that were made before still have the image\n";
  } else {
    text += "nothing was changed; run this with --apply to erase the image\n";
  }
  Emit(flags.common, ErasureJson(step), text);
  return OkStatus();
}

}  // namespace

void AddSampleCommands(Command* app) {
  Command* group = app->AddGroup("sample", "Erase an image from every collection that has it");
  AddCommand<EraseFlags>(
      group, "erase", "Take one image out of the store, with its embeddings, maps and views",
      "augstore sample erase cifar10 --key cat/001.png --store db           what has it\n"
      "augstore sample erase cifar10 --key cat/001.png --store db --apply   erase it\n\n"
      "Versions that have the image are deleted, and say so; a version without it replaces the "
      "latest\none. Heads that were trained on it are named and stay. Backups keep it until they "
      "are pruned.",
      [](Command* command, EraseFlags* flags) {
        AddSampleFlags(command, flags);
        command->AddFlag("--apply", &flags->apply,
                         "Change the store (default: only say what has the image)");
      },
      Erase);
}

}  // namespace augstore
