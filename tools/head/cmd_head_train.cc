// augstore head train: one pass over a stream trains every head of a grid. augstore head fit:
// linear heads in closed form, from moments gathered in one or a few passes over a stream. The best
// is registered.
#include <algorithm>

#include "engine/heads/closed_form_head.h"
#include "schemas/base/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/stream_flags.h"
#include "tools/head/head_predictor.h"
#include "tools/head/head_report.h"

namespace augstore {
namespace {

Result<std::vector<TestSet>> LoadTests(Client& client,
                                       const Versioned<CollectionRecord>& collection,
                                       const HeadTrainFlags& flags) {
  std::vector<TestSet> tests;
  const std::string split = flags.test_split.value_or("test");
  if (split.empty()) return tests;
  const Status found = CheckSplit(collection, "--test-split", split);
  if (!found.ok() && flags.test_split.has_value()) return found;
  if (!found.ok()) {
    fmt::print(
        stderr,
        "augstore: heads are not tested: {} has no split '{}' (--test-split names another)\n",
        collection.ref(), split);
    return tests;
  }
  AUGSTORE_ASSIGN(TestSet test,
                  LoadTestSet(client, collection.ref(), split, flags.spec.label_column));
  tests.push_back(std::move(test));
  return tests;
}

// Digest of the weights and time of the registration are filled in by the database.
HeadRecord Record(const HeadTrainFlags& flags, const TrainedHeads& trained, size_t h) {
  const HeadConfig& config = flags.trainer.heads[h];
  const StreamReply& stream = trained.stream;
  HeadRecord record{.backbone = trained.backbone,
                    .dim = stream.dim,
                    .arch = flags.trainer.arch,
                    .classes = stream.classes,
                    .layers = trained.report.heads[h].shapes(),
                    .weights = {},
                    .lineage = {.stream = stream.spec,
                                .collection_digest = stream.collection_digest,
                                .transforms = stream.transforms,
                                .seed = config.seed,
                                .epochs = flags.epochs,
                                .optimizer = trained.optimizers[h],
                                .learning_rate = config.learning_rate,
                                .weight_decay = config.weight_decay,
                                .init = trained.init},
                    .train_loss = trained.report.train_loss[h],
                    .test_split = {}};
  if (trained.tested()) {
    const HeadMetrics& test = trained.report.tests[h][0];
    record.test_accuracy = test.accuracy;
    record.test_loss = test.loss;
    record.test_samples = test.samples;
    record.test_split = trained.tests[0].name;
  }
  return record;
}

Status RegisterHeads(Client& client, const HeadTrainFlags& flags, TrainedHeads* trained) {
  trained->refs.resize(trained->report.heads.size());
  if (flags.no_register) return OkStatus();
  std::vector<size_t> order;
  for (size_t h = 0; h < trained->refs.size(); ++h)
    if (flags.which == "all" && h != trained->best) order.push_back(h);
  order.push_back(trained->best);  // last: the name without a version means the latest one
  for (const size_t h : order) {
    const std::string record = Encode(Record(flags, *trained, h));
    AUGSTORE_ASSIGN(const uint32_t version, client.Add(RecordKind::kHead, flags.name, record,
                                                       trained->report.heads[h].ToSafetensors()));
    trained->refs[h] = flags.name + "@" + std::to_string(version);
  }
  return OkStatus();
}

// Defaults the name to the collection's.
Status CheckHeadName(HeadTrainFlags* flags) {
  if (flags->name.empty()) {
    AUGSTORE_ASSIGN(const Ref collection, ParseRef(flags->spec.collection));
    flags->name = collection.name;
  }
  return ValidateName(flags->name);
}

// What can be said about the flags without a database.
Status CheckFlags(HeadTrainFlags* flags) {
  AUGSTORE_TRY(ParseArch(flags->trainer.arch));
  AUGSTORE_ASSIGN(flags->trainer.heads, HeadGrid(flags->learning_rates, flags->weight_decays,
                                                 flags->seeds, flags->heads));
  return CheckHeadName(flags);
}

Status CheckClasses(const StreamReply& stream) {
  if (stream.classes.size() >= 2) return OkStatus();
  return FailedPrecondition(
      "{} has {} classes in {}: a classifier needs at least 2; ingest the images with labels "
      "(class folders or a manifest), or name another --label-column",
      stream.spec.collection, stream.classes.size(),
      stream.spec.label_column.empty() ? "its first label column"
                                       : "label column '" + stream.spec.label_column + "'");
}

// The weights of --init for every head.
Status LoadInitial(Client& client, const HeadTrainFlags& flags, TrainedHeads* trained,
                   HeadTrainerOptions* options) {
  if (flags.init.empty()) return OkStatus();
  AUGSTORE_ASSIGN(const LoadedHead head, LoadHead(client, flags.init));
  AUGSTORE_TRY(
      CheckBackbone(client, head, trained->backbone, "collection " + flags.spec.collection));
  if (head.record.arch != options->arch) {
    return FailedPrecondition("--init: head {} has arch {}, and --arch is {}: give --arch {}",
                              head.ref, head.record.arch, options->arch, head.record.arch);
  }
  if (head.record.classes != trained->stream.classes) {
    return FailedPrecondition(
        "--init: head {} has {} classes and {} has {}, and they must be the same in the same "
        "order: start from another head",
        head.ref, head.record.classes.size(), flags.spec.collection,
        trained->stream.classes.size());
  }
  AUGSTORE_ASSIGN(const Layers layers, client.GetLayers(head.ref));
  options->initial.assign(options->heads.size(), layers);
  trained->init = head.ref;
  return OkStatus();
}

// Opens what a run reads, pins the collection's version in `flags`, and fills in stream, backbone
// and tests.
Result<std::unique_ptr<BatchSource>> OpenHeadRun(Client& client, HeadTrainFlags* flags,
                                                 TrainedHeads* trained) {
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags->spec.collection));
  flags->spec.split = SplitOrDefault(flags->split, collection.record);
  AUGSTORE_TRY(CheckSplit(collection, "--split", flags->spec.split));
  flags->spec.collection = collection.ref();  // one version, whatever is committed meanwhile
  AUGSTORE_ASSIGN(auto stream, client.OpenStream(flags->spec, flags->prefetch));
  trained->stream = stream->info();
  trained->backbone = collection.record.backbone;
  AUGSTORE_TRY(CheckClasses(trained->stream));
  AUGSTORE_ASSIGN(trained->tests, LoadTests(client, collection, *flags));
  return StreamSource(std::move(stream));
}

// Chooses the best head, registers, prints the report and writes --out.
Status FinishHeadRun(Client& client, const HeadTrainFlags& flags, const MetricsFile& metrics,
                     TrainedHeads* trained) {
  trained->best = BestHead(*trained);
  AUGSTORE_TRY(RegisterHeads(client, flags, trained));
  PrintHeadReport(flags, *trained);
  if (flags.out.empty()) return OkStatus();
  AUGSTORE_TRY(metrics.Check());
  return SaveHeads(trained->report, flags.out);
}

Status Train(HeadTrainFlags flags) {
  AUGSTORE_TRY(CheckFlags(&flags));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  TrainedHeads trained;
  AUGSTORE_ASSIGN(const auto source, OpenHeadRun(client, &flags, &trained));
  HeadRunsOptions options{.trainer = flags.trainer,
                          .epochs = flags.epochs,
                          .show_progress = !flags.common.quiet,
                          .label = "train"};
  options.trainer.dim = trained.stream.dim;
  options.trainer.classes = static_cast<uint32_t>(trained.stream.classes.size());
  AUGSTORE_TRY(LoadInitial(client, flags, &trained, &options.trainer));
  MetricsFile metrics;
  if (!flags.out.empty()) AUGSTORE_TRY(metrics.Open(flags.out));
  AUGSTORE_ASSIGN(trained.report,
                  TrainHeads(*source, trained.tests, options, [&](const CurvePoint& point) {
                    metrics.Add(point, flags.trainer.heads[point.head]);
                  }));
  trained.optimizers.assign(flags.trainer.heads.size(), flags.trainer.optimizer);
  return FinishHeadRun(client, flags, metrics, &trained);
}

// The flags of both commands.
void AddRunFlags(Command* command, HeadTrainFlags* flags) {
  AddStreamFlags(command, &flags->spec, &flags->split);
  command->AddFlag("--prefetch", &flags->prefetch, "Batches fetched ahead");
  command->AddFlag("--test-split", &flags->test_split,
                   "Split to test on; '' for none (default: test, if the collection has it)");
  command->AddFlag("--name", &flags->name, "Name to register under (default: the collection's)");
  command->AddFlag("--out", &flags->out,
                   "Folder for metrics.jsonl and head.safetensors, head.pt (TorchScript)");
  command
      ->AddFlag("--register", &flags->which,
                "Which heads to register; of all, the best gets the latest version")
      .Choices({"best", "all"});
  command->AddFlag("--no-register", &flags->no_register, "Register none");
}

void AddTrainerFlags(Command* command, HeadTrainFlags* flags) {
  command->AddFlag("--arch", &flags->trainer.arch, "linear, or mlp(<widths>)");
  command->AddFlag("--epochs", &flags->epochs, "Passes over the split").Range(1u, 1u << 20);
  command->AddFlag("--lr", &flags->learning_rates, "Learning rate, or several: a grid");
  command->AddFlag("--weight-decay", &flags->weight_decays, "Weight decay, or several: a grid");
  command->AddFlag("--seed", &flags->seeds, "Seed of the initial weights, or several: a grid");
  command
      ->AddFlag("--heads", &flags->heads,
                "How many heads: with single values, seeds seed, seed + 1, ... (default: one for "
                "each combination)")
      .Positive();
  command->AddFlag("--optimizer", &flags->trainer.optimizer, "Optimizer").Choices({"adamw", "sgd"});
  command->AddFlag("--init", &flags->init,
                   "Start from this head, such as one of `head fit`, instead of random weights");
}

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
  const Stopwatch clock;
  HeadRunsReport& report = trained->report;
  AUGSTORE_ASSIGN(
      const auto statistics,
      HeadStatistics::Create(trained->stream.dim,
                             static_cast<uint32_t>(trained->stream.classes.size()), flags.seed));
  AUGSTORE_TRY(Accumulate(source, *run, statistics.get(), &report));
  AUGSTORE_ASSIGN(std::vector<ClosedFormHead> heads, FitHeads(*statistics, kinds));
  report.seconds = clock.seconds();
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

void AddFitFlags(Command* command, FitFlags* flags) {
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

void AddHeadTrainCommand(Command* group) {
  AddCommand<HeadTrainFlags>(
      group, "train", "Train one or many classifier heads from one pass over a stream",
      "augstore head train --store db --collection cifar10 --policy identity:1,hflip:1 --lr "
      "1e-3,3e-4 --weight-decay 1e-4,1e-2 --out runs/1\n\n"
      "The best of several is the one with the highest test accuracy. A test that chose a head is "
      "no longer a test of it: keep another split for `head eval`.",
      [](Command* command, HeadTrainFlags* flags) {
        AddRunFlags(command, flags);
        AddTrainerFlags(command, flags);
      },
      Train);
}

void AddHeadFitCommand(Command* group) {
  AddCommand<FitFlags>(
      group, "fit", "Fit linear heads in closed form: no learning rate, one pass over the data",
      "augstore head fit --store db --collection cifar10 --policy identity:1,hflip:1 --kind "
      "ridge,lda\n\n"
      "The penalty is chosen on a fifth of the samples, which is held out; the heads are then\n"
      "fitted to all of them. `head train --arch linear --init NAME` goes on from there.",
      AddFitFlags, Fit);
}

}  // namespace augstore
