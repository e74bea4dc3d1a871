// augstore synth: a small image set of our own, so that everything can be tried without data.
#include <CLI/CLI.hpp>
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
  if (flags.json) {
    PrintJson({{"folder", flags.out},
               {"per_class", flags.options.per_class},
               {"seed", flags.options.seed}});
  } else {
    fmt::print("{}: {} images of each class\n", flags.out, flags.options.per_class);
  }
  return OkStatus();
}

}  // namespace

void AddSynthCommand(CLI::App* app) {
  auto flags = std::make_shared<SynthFlags>();
  CLI::App* command = AddCommand(
      app, "synth",
      "Make a small synthetic, labelled image set (ten classes of objects) for trying things",
      "augstore synth --out images/train --per-class 50 --seed 1",
      [flags] { return Draw(*flags); });
  command->add_option("--out", flags->out, "Folder for the class folders")->required();
  command->add_option("--per-class", flags->options.per_class, "Images of each class")
      ->capture_default_str();
  command->add_option("--seed", flags->options.seed, "Other seeds draw other images")
      ->capture_default_str();
  command->add_option("--size", flags->options.size, "Width and height in pixels")
      ->capture_default_str();
  command->add_flag("--any-angle", flags->any_angle,
                    "Objects turned by any angle instead of upright");
  command->add_flag("--json", flags->json, "Print the result as JSON");
}

}  // namespace augstore
