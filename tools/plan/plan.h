// The question that `augstore plan` answers, and its answer.
#ifndef AUGSTORE_TOOLS_PLAN_PLAN_H_
#define AUGSTORE_TOOLS_PLAN_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/collection/lazy_backbone.h"
#include "tools/plan/plan_choice.h"

namespace augstore {

struct PlanFlags {
  CommonFlags common;
  BackboneFlags backbone;
  std::string images;
  std::string collection;  // in the commands that are recommended; default: the folder's name
  std::string split;       // of --images; empty: all but "test"
  std::string law;
  uint64_t sample = 400;       // images to train heads on, of all classes together
  uint64_t validation = 1000;  // others to test them on
  std::vector<uint32_t> views = {1, 2, 4};
  uint32_t many_views = 8;  // stand for pixel space
  std::vector<std::string> transforms;
  uint64_t seed = 0;
  uint32_t seeds = 4;
  uint64_t steps = 600;
  uint32_t batch_size = 64;
  std::string arch = "mlp(1024,128)";
  std::vector<double> learning_rates = {3e-4, 1e-3};
  double weight_decay = 1e-4;
  PlanLimits limits;
  double second_price = 0;  // of Φ
  double gib_price = 0;     // of what is stored
  std::string plot;         // SVG file
  bool dry_run = false;
};

// The collection that the commands name, as it is.
struct PlanTarget {
  bool exists = false;
  Dtype dtype = Dtype::kF32;
  uint32_t views = 0;  // that it has of the law with the seed
};

struct PlanResult {
  PlanTarget target;
  std::vector<MeasuredWay> ways;  // as they were tried: none first
  PlanChoice choice;
  uint64_t all_images = 0;  // labelled, of --images and --split
  uint64_t training = 0;    // images of the sample that heads were trained on
  uint64_t validation = 0;
  uint64_t phi_calls = 0;  // made: what was stored already is not counted
  double images_per_second = 0;
  double seconds = 0;
  std::vector<std::string> notes;  // what was left out, and why
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PLAN_PLAN_H_
