// augstore synth: a small image set of our own, so that everything can be tried without data.
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/synth/synthetic_images.h"

namespace augstore {
namespace {

struct SynthFlags {
  std::string out;
  SyntheticImagesOptions options{.seed = 0, .per_class = 100};
  bool any_angle = false;
  bool json = false;
};

Status Draw(SynthFlags flags) {
  flags.options.upright = !flags.any_angle;
  AUGSTORE_TRY(WriteSyntheticImages(flags.out, flags.options));
  Emit(
      flags.json,
      {{"folder", flags.out}, {"per_class", flags.options.per_class}, {"seed", flags.options.seed}},
      fmt::format("{}: {} images of each class\n", flags.out, flags.options.per_class));
  return OkStatus();
}

void AddFlags(Command* command, SynthFlags* flags) {
  command->AddFlag("--out", &flags->out, "Folder for the class folders").Required();
  command->AddFlag("--per-class", &flags->options.per_class, "Images of each class");
  command->AddFlag("--seed", &flags->options.seed, "Seed of the images");
  command->AddFlag("--size", &flags->options.size, "Width and height in pixels");
  command->AddFlag("--any-angle", &flags->any_angle,
                   "Turn objects by any angle instead of keeping them upright");
  command->AddFlag("--json", &flags->json, "Print the result as JSON");
}

}  // namespace

void AddSynthCommand(Command* app) {
  AddCommand<SynthFlags>(
      app, "synth",
      "Make a small synthetic, labelled image set (ten classes of objects) for trying things",
      "augstore synth --out images/train --per-class 50 --seed 1", AddFlags, Draw);
}

}  // namespace augstore
