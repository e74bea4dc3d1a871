#include "tools/cli/stream_flags.h"

#include <algorithm>

#include "tools/flags/flags.h"

namespace augstore {
namespace {

// Reads the text of a flag as what it names.
template <typename T, typename Target>
Flag::Parser Named(Result<T> (*parse)(std::string_view), Target* target) {
  return [parse, target](const std::string& text) -> Status {
    AUGSTORE_ASSIGN(*target, parse(text));
    return OkStatus();
  };
}

}  // namespace

void AddStreamFlags(Command* command, StreamSpec* spec, SplitFlag* split) {
  command->AddFlag("--collection", &spec->collection, "Collection, such as cifar10 or cifar10@2")
      .Required();
  command->AddFlag("--split", split,
                   "One split; '' for all samples (default: train, if the collection has it, else "
                   "all samples)");
  command->AddFlag(
      "--policy", &spec->policy,
      "Chains and their weights: identity:2,hflip:1,hflip>rotate15:1; with stored views: "
      "identity:1,views:2");
  command->AddFlag("--label-column", &spec->label_column, "Label column (default: the first)");
  command->AddFlag("--stream-seed", &spec->seed, "Seed of the order and of the policy's draws");
  command->AddFlag("--batch-size", &spec->batch_size, "Rows of one batch");
  command->AddFlag(
      "--shuffle-window", &spec->shuffle_window,
      "Shuffle within windows of this many samples, blocks of neighbours in random order: for "
      "collections larger than the server's memory; 0: shuffle all samples at once");
  command->AddFlag("--dtype", Named(ParseDtype, &spec->dtype),
                   "Send embeddings as f32, f16 (half the bytes) or u8 (a quarter); `transform "
                   "show` says what that costs [f32]");
  command->AddFlag(
      "--precision", Named(ParsePrecision, &spec->precision),
      "Compute transforms in f32 or int8; int8 is refused for a transform whose card does not show "
      "that it loses next to nothing [f32]");
}

void AddStoredDtypeFlag(Command* command, std::optional<Dtype>* dtype) {
  command->AddFlag("--dtype", Named(ParseDtype, dtype),
                   "Store embeddings as f32, f16 (half the bytes) or u8 (a quarter, with a scale "
                   "per row) [what the collection has, else f32]");
}

std::string SplitOrDefault(const SplitFlag& split, const CollectionRecord& collection) {
  if (split.has_value()) return *split;
  const auto train = std::ranges::find(collection.splits, "train", &SplitCount::name);
  return train == collection.splits.end() ? "" : "train";
}

}  // namespace augstore
