// augstore head fit: linear heads in closed form, from moments gathered in one or a few passes over
// a stream; the best is registered.
#include <algorithm>
#include <chrono>

#include "engine/heads/closed_form_head.h"
#include "tools/cli/progress.h"
#include "tools/head/cmd_head_train.h"

namespace augstore {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kAugmentedEpochs = 4;  // each sees other draws of the policy

struct FitFlags {
  HeadTrainFlags run;  // epochs 0: one without transforms, else kAugmentedEpochs
  std::vector<std::string> kinds = {"ridge", "lda", "means"};
  uint64_t seed = 0;
};

Result<std::vector<HeadKind>> ParseKinds(const std::vector<std::string>& names) {
  std::vector<HeadKind> kinds;
  for (const std::string& name : names) {
    AUGSTORE_ASSIGN(const HeadKind kind, ParseHeadKind(name));
    if (std::ranges::find(kinds, kind) != kinds.end()) {
      return InvalidArgument("--kind names {} twice: give each kind once", name);
    }
    kinds.push_back(kind);
  }
  return kinds;
}

Status Accumulate(BatchSource& source, const HeadTrainFlags& run, HeadStatistics* statistics,
                  HeadRunsReport* report) {
  Progress progress("fit", "samples", source.samples_per_epoch() * run.epochs, !run.common.quiet);
  for (uint32_t epoch = 0; epoch < run.epochs; ++epoch) {
    source.Seek(epoch);
    while (true) {
      AUGSTORE_ASSIGN(const std::optional<Batch> batch, source.Next());
      if (!batch.has_value()) break;
      AUGSTORE_TRY(statistics->Add(batch->embeddings, batch->samples, batch->labels));
      progress.Update(report->samples += batch->size());
      if (Interrupted()) {
        return InterruptedStatus(fmt::format("fitting stopped in epoch {} of {}; no head was kept",
                                             epoch + 1, run.epochs));
      }
    }
  }
  statistics->Finish();
  return OkStatus();
}

// One head of each kind, in the form in which `head train` reports its heads: the training loss is
// the held-out one, the weight decay is λ.
Status FitKinds(BatchSource& source, const FitFlags& flags, const std::vector<HeadKind>& kinds,
                HeadTrainFlags* run, TrainedHeads* trained) {
  const Clock::time_point start = Clock::now();
  HeadRunsReport& report = trained->report;
  AUGSTORE_ASSIGN(
      const auto statistics,
      HeadStatistics::Create(trained->stream.dim,
                             static_cast<uint32_t>(trained->stream.classes.size()), flags.seed));
  AUGSTORE_TRY(Accumulate(source, *run, statistics.get(), &report));
  AUGSTORE_ASSIGN(std::vector<ClosedFormHead> heads, FitHeads(*statistics, kinds));
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  run->trainer.heads.clear();
  for (ClosedFormHead& head : heads) {
    trained->optimizers.emplace_back(HeadKindName(head.kind));
    run->trainer.heads.push_back({0, head.lambda, flags.seed});
    report.train_loss.push_back(head.held_out_loss);
    report.heads.push_back(std::move(head.layers));
  }
  AUGSTORE_ASSIGN(report.tests, TestHeads(report.heads, run->trainer.arch, trained->tests));
  return OkStatus();
}

Status Fit(FitFlags flags) {
  AUGSTORE_ASSIGN(const std::vector<HeadKind> kinds, ParseKinds(flags.kinds));
  HeadTrainFlags& run = flags.run;
  AUGSTORE_TRY(CheckHeadName(&run));
  AUGSTORE_ASSIGN(const auto database, Database::Open(run.common));
  Client& client = database->client();
  TrainedHeads trained;
  AUGSTORE_ASSIGN(const auto source, OpenHeadRun(client, &run, &trained));
  if (run.epochs == 0) run.epochs = trained.stream.transforms.empty() ? 1 : kAugmentedEpochs;
  MetricsFile metrics;
  if (!run.out.empty()) AUGSTORE_TRY(metrics.Open(run.out));
  AUGSTORE_TRY(FitKinds(*source, flags, kinds, &run, &trained));
  for (size_t h = 0; h < kinds.size(); ++h) {
    metrics.Add({.epoch = run.epochs,
                 .head = h,
                 .train_loss = trained.report.train_loss[h],
                 .tests = trained.report.tests[h],
                 .seconds = trained.report.seconds},
                run.trainer.heads[h]);
  }
  return FinishHeadRun(client, run, metrics, &trained);
}

void AddFlags(Command* command, FitFlags* flags) {
  HeadTrainFlags& run = flags->run;
  run.epochs = 0;
  run.trainer.arch = "linear";
  run.spec.batch_size = 1024;
  AddCommonFlags(command, &run.common);
  AddRunFlags(command, &run);
  command
      ->AddFlag("--kind", &flags->kinds,
                "ridge (least squares on one-hot targets), lda (shared covariance), means "
                "(nearest class mean), or several")
      .Commas();
  command
      ->AddFlag("--epochs", &run.epochs,
                "Passes over the split (default: 1, with transforms in the policy 4)")
      .Range(1u, 1u << 20);
  command->AddFlag("--seed", &flags->seed, "Seed of the held-out part");
}

}  // namespace

void AddHeadFitCommand(Command* group) {
  AddCommand<FitFlags>(
      group, "fit", "Fit linear heads in closed form: no learning rate, one pass over the data",
      "augstore head fit --store db --collection cifar10 --policy identity:1,hflip:1 --kind "
      "ridge,lda\n\n"
      "The penalty is chosen on a fifth of the samples, which is held out; the heads are then\n"
      "fitted to all of them. `head train --arch linear --init NAME` goes on from there.",
      AddFlags, Fit);
}

}  // namespace augstore
