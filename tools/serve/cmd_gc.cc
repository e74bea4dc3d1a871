// augstore gc: gives back the space of rows that nothing names.
#include <nlohmann/json.hpp>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

struct GcFlags {
  CommonFlags common;
  bool apply = false;
  bool pairs = false;
};

Status CollectGarbage(const GcFlags& flags) {
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open(flags.common, flags.apply ? StoreAccess::kWrite : StoreAccess::kRead));
  GarbageRequest request{0, flags.apply, flags.pairs};
  GarbageReply reply;
  {
    Progress progress("gc", "items", 0, !flags.common.quiet);
    do {
      AUGSTORE_ASSIGN(reply, database->client().Call<GarbageReply>(request));
      request.run = reply.run;
      progress.Update(reply.step.done, fmt::format("of {} {}", reply.step.total, reply.step.phase));
      if (Interrupted()) return InterruptedStatus("what was not given back is found again");
    } while (!reply.step.phase.empty());
  }
  const GarbageStep& found = reply.step;
  std::string text = fmt::format("{} rows in {} segments, {}, are named by nothing{}\n", found.rows,
                                 found.segments, HumanBytes(static_cast<double>(found.bytes)),
                                 flags.apply && found.rows > 0 ? ", and were given back" : "");
  if (found.kept_rows > 0) {
    text += fmt::format("{} rows that nothing names stay, beside others in their segments\n",
                        found.kept_rows);
  }
  if (!flags.apply && found.rows > 0) text += "run this with --apply to give them back\n";
  Emit(flags.common,
       {{"applied", flags.apply && found.rows > 0},
        {"segments", found.segments},
        {"rows", found.rows},
        {"bytes", found.bytes},
        {"kept_rows", found.kept_rows}},
       text);
  return OkStatus();
}

}  // namespace

void AddGcCommand(Command* app) {
  AddCommand<GcFlags>(
      app, "gc", "Give back the space of embeddings that nothing names any more",
      "augstore gc --store db            how much it would be\n"
      "augstore gc --store db --apply    give it back\n\n"
      "A row is named by a sample of any version of any collection, by a collection that is being\n"
      "written, or by a pair that transforms are trained on. Works beside running streams\n"
      "(--connect). Whole segments of 256 rows are given back.",
      [](Command* command, GcFlags* flags) {
        command->AddFlag("--apply", &flags->apply,
                         "Change the store (default: only say how much it would be)");
        command->AddFlag("--pairs", &flags->pairs,
                         "Give back pairs, too, of images that no collection has; training on them "
                         "again embeds them again");
      },
      CollectGarbage);
}

}  // namespace augstore
